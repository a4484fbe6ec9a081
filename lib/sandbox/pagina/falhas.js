// What goes wrong, and how: faults of single calls, webhooks on their way, the model that answers, Chatwoot's habits.

import { botao, campo, chama, el, escolha, faz, le, marca, mostra } from "./nucleo.js";

const STATUS = [["", "nenhum"], ...[400, 401, 403, 404, 409, 410, 422, 429, 500, 502, 503, 504, 529].map((n) => [n, n])];
const MODELOS = { julia: "bem-comportado", ruido: "ruído: respostas estranhas", hostil: "hostil: tenta enganar o programa" };
const HABITOS = { duplicar: "entrega cada mensagem nova duas vezes", trava_unica: "uma só conversa por contato", limite_filtro: "limita contacts/filter a 100 por minuto" };

export function falhas(tela) {
  let alvos;
  const ligadas = el("div", { class: "ligadas", "aria-live": "polite" });
  const entrega = el("div");
  const modelo = el("div");
  const chatwoot = el("div");
  const nova = el("div");
  const cartao = (titulo, texto, ...partes) => el("section", { class: "cartao" }, el("h2", {}, titulo), el("p", { class: "ajuda" }, texto), partes);
  tela.replaceChildren(
    el(
      "div",
      { class: "cartoes" },
      cartao("Falhas de chamadas", "O que o programa pede a um sistema demora, falha ou cai no meio.", ligadas, nova),
      cartao("Webhooks", "Como os avisos dos sistemas chegam ao programa.", entrega),
      cartao("Modelo de linguagem", "Quem faz as vezes do modelo.", modelo),
      cartao("Chatwoot", "Os maus hábitos que um Chatwoot de verdade tem.", chatwoot),
    ),
  );

  function formulario() {
    const fornecedor = escolha(Object.keys(alvos.alvos).map((v) => [v, v]), "evolution", () => preenche());
    const chamada = el("select");
    const preenche = () => chamada.replaceChildren(...["*", ...alvos.alvos[fornecedor.value]].map((c) => el("option", { value: c }, c === "*" ? "todas as chamadas" : c)));
    preenche();
    const latencia = el("input", { type: "number", min: "0", max: "600000", step: "100", value: "0" });
    const status = escolha(STATUS, "");
    const chance = el("input", { type: "number", min: "1", max: "100", value: "100" });
    const vezes = el("input", { type: "number", min: "1", placeholder: "sempre" });
    const cortar = marca("derruba a conexão sem responder", false);
    const depois = marca("só depois de aceitar (acontece, mas parece que não)", false);
    const liga = (evento) => {
      evento.preventDefault();
      const falha = {
        alvo: `${fornecedor.value}.${chamada.value}`,
        latencia_ms: Number(latencia.value),
        status: status.value ? Number(status.value) : null,
        cortar: cortar.firstChild.checked,
        depois_de_aceitar: depois.firstChild.checked,
        probabilidade: Number(chance.value) / 100,
        vezes: vezes.value ? Number(vezes.value) : null,
      };
      faz(async () => {
        if (!falha.latencia_ms && !falha.status && !falha.cortar) throw new Error("escolha o que acontece: atraso, status ou corte");
        await chama("PUT", "falhas", falha);
        await renova();
      });
    };
    return el(
      "form",
      { class: "campos", submit: liga },
      campo("Sistema", fornecedor),
      campo("Chamada", chamada),
      campo("Atraso (ms)", latencia),
      campo("Responde status", status),
      campo("Chance (%)", chance),
      campo("Quantas vezes", vezes),
      cortar,
      depois,
      el("button", { class: "forte" }, "Ligar falha"),
    );
  }

  async function renova(resumo) {
    if (!alvos) {
      alvos = await le("alvos");
      nova.replaceChildren(formulario());
    }
    const [ativas, webhooks, agora, habitos] = await Promise.all([le("falhas"), le("webhooks?ultimas=1"), resumo ?? le("resumo"), le("chatwoot/habitos")]);
    mostra(ligadas, ativas, desenhaLigadas);
    mostra(entrega, [webhooks.politica, webhooks.pendentes], () => desenhaEntrega(webhooks));
    mostra(modelo, [agora.modelo, agora.variante], desenhaModelo);
    mostra(chatwoot, habitos, desenhaHabitos);
  }

  function efeitos(falha) {
    return [
      falha.latencia_ms ? `${falha.latencia_ms} ms de atraso` : null,
      falha.status ? `status ${falha.status}` : null,
      falha.cortar ? "corta a conexão" : null,
      falha.depois_de_aceitar ? "depois de aceitar" : null,
      falha.probabilidade < 1 ? `${Math.round(falha.probabilidade * 100)}% das vezes` : null,
      falha.vezes ? `mais ${falha.vezes}×` : null,
      falha.instancia ? `só ${falha.instancia}` : null,
    ].filter(Boolean).join(" · ");
  }

  function desenhaLigadas(ativas) {
    if (!ativas.length) return el("p", { class: "vazio" }, "Nenhuma falha ligada.");
    const linhas = ativas.map((falha) =>
      el(
        "div",
        { class: "ligada" },
        el("span", { class: "meio" }, el("b", { class: "mau" }, falha.alvo), el("small", {}, efeitos(falha))),
        botao("Desligar", () => chama("DELETE", `falhas?alvo=${encodeURIComponent(falha.alvo)}`).then(() => renova()), { chave: `d ${falha.alvo}` }),
      ),
    );
    return [...linhas, botao("Desligar todas", () => chama("DELETE", "falhas").then(() => renova()))];
  }

  function numero(valor, muda, atributos) {
    const feito = el("input", { type: "number", value: String(valor), change: () => faz(() => muda(Number(feito.value))), ...atributos });
    return feito;
  }

  function desenhaEntrega({ politica, pendentes }) {
    const muda = (corpo) => chama("PUT", "webhooks", corpo).then(() => renova());
    const por = { min: "0", max: "100" };
    return el(
      "div",
      { class: "campos" },
      botao(politica.stopped ? `Soltar webhooks (${pendentes} esperando)` : "Parar webhooks", () => muda({ parado: !politica.stopped }), { class: politica.stopped ? "perigo" : "", chave: "parar" }),
      marca("recibos de entrega e leitura", politica.receipts, (sim) => muda({ recibos: sim }), { "data-chave": "recibos" }),
      campo("Duplicar (%)", numero(Math.round(politica.duplicate * 100), (n) => muda({ duplicar: n / 100 }), { ...por, "data-chave": "dup" })),
      campo("Perder (%)", numero(Math.round(politica.lose * 100), (n) => muda({ perder: n / 100 }), { ...por, "data-chave": "perde" })),
      campo("Atrasar (ms)", numero(politica.delay_ms, (n) => muda({ atraso_ms: n }), { min: "0", max: "600000", step: "100", "data-chave": "atraso" })),
      campo("1ª repetição após (s)", numero(politica.retry_base_s, (n) => muda({ retry_base_s: n }), { min: "0.1", step: "0.1", "data-chave": "repete" })),
    );
  }

  function desenhaModelo([atual, variante]) {
    const muda = (nome, forma) => chama("PUT", "modelo", { modelo: nome, variante: forma || null }).then(() => renova());
    const formas = [["", "ao acaso"], ...alvos.variantes[atual].map((nome) => [nome, nome])];
    return el(
      "div",
      { class: "campos" },
      campo("Modelo", escolha(Object.entries(MODELOS), atual, (nome) => muda(nome), { "data-chave": "modelo" })),
      formas.length > 1 ? campo("Variante", escolha(formas, variante ?? "", (forma) => muda(atual, forma), { "data-chave": "variante" })) : null,
    );
  }

  function desenhaHabitos(habitos) {
    const muda = (corpo) => chama("PUT", "chatwoot/habitos", corpo).then(() => renova());
    return el(
      "div",
      { class: "campos" },
      Object.entries(HABITOS).map(([nome, texto]) => marca(texto, habitos[nome], (sim) => muda({ [nome]: sim }), { "data-chave": nome })),
      campo("Embaralhar eventos (s)", numero(habitos.embaralhar_s, (n) => muda({ embaralhar_s: n }), { min: "0", max: "60", step: "0.5", "data-chave": "embaralhar" })),
    );
  }

  return { renova };
}
