// Every system at a glance: counts, numbers, Salvy, the activator, what became of each webhook.

import { botao, campo, chama, el, escolha, faz, hora, le, mostra, telefone } from "./nucleo.js";

const ESTADOS = { open: "conectado", connecting: "conectando", close: "desconectado" };
const CONTAS = {
  numeros: "números", conversas: "conversas", aceitas: "mensagens aceitas", llm_chamadas: "chamadas ao modelo",
  chatwoot_conversas: "conversas no Chatwoot", slack_mensagens: "mensagens no Slack", salvy_numeros: "números na Salvy",
  ativacoes: "ativações", buscas: "buscas", webhooks_entregues: "webhooks entregues", webhooks_pendentes: "pendentes", webhooks_desistencias: "desistências",
};

export function sistemas(tela) {
  const contas = el("dl", { class: "contas" });
  const numeros = el("div", { class: "rola" });
  const salvy = el("div", { class: "rola" });
  const ativador = el("div", { class: "rola" });
  const entregas = el("div", { class: "rola" });
  const programa = el("p", { class: "ajuda" });
  const cartao = (titulo, ...partes) => el("section", { class: "cartao" }, el("h2", {}, titulo), partes);
  tela.replaceChildren(
    el(
      "div",
      { class: "cartoes largos" },
      cartao("Contagens", programa, contas, apaga()),
      cartao("Números do WhatsApp", numeros, novoNumero()),
      cartao("Salvy", salvy, alugar()),
      cartao("Ativador de chips", ativador),
      cartao("Webhooks", entregas),
    ),
  );

  function apaga() {
    const tudo = () => confirm("Esquecer números, conversas e mensagens de todos os sistemas?") && chama("DELETE", "tudo").then(() => location.assign("/"));
    return botao("Esquecer tudo…", tudo, { class: "perigo" });
  }

  function novoNumero() {
    const nome = el("input", { required: true, placeholder: "julia-09" });
    const provedor = escolha([["evolution", "Evolution"], ["zapi", "Z-API"], ["meta", "Meta"]], "evolution");
    const fone = el("input", { placeholder: "5511900000109", inputmode: "tel" });
    const cria = (evento) => {
      evento.preventDefault();
      const corpo = { provedor: provedor.value, numero: fone.value.replace(/\D/g, "") || null };
      faz(() => chama("PUT", `instancias/${encodeURIComponent(nome.value.trim())}`, corpo).then(() => renova()));
    };
    return el("details", {}, el("summary", {}, "Novo número"), el("form", { class: "campos", submit: cria }, campo("Instância", nome), campo("Gateway", provedor), campo("Número", fone), el("button", {}, "Criar")));
  }

  function alugar() {
    return botao("Alugar número", () => chama("POST", "salvy/numeros", { nome: "pelo sandbox" }).then(() => renova()));
  }

  async function renova(resumo) {
    const [agora, linhas, salvys, fila, webhooks] = await Promise.all([
      resumo ?? le("resumo"), le("instancias"), le("salvy/numeros"), le("ativador"), le("webhooks?ultimas=40"),
    ]);
    mostra(programa, agora.programa, (url) => `Os webhooks vão para ${url}.`);
    mostra(contas, agora, (tudo) => Object.entries(CONTAS).flatMap(([nome, rotulo]) => el("div", {}, el("dt", {}, rotulo), el("dd", {}, String(tudo[nome])))));
    mostra(numeros, linhas, desenhaNumeros);
    mostra(salvy, salvys, desenhaSalvy);
    mostra(ativador, fila.ativacoes, desenhaAtivador);
    mostra(entregas, webhooks.tentativas, desenhaEntregas);
  }

  const tabela = (titulos, linhas) => el("table", {}, el("thead", {}, el("tr", {}, titulos.map((t) => el("th", { scope: "col" }, t)))), el("tbody", {}, linhas.map((celulas) => el("tr", {}, celulas.map((c) => el("td", {}, c))))));
  const vazio = (texto) => el("p", { class: "vazio" }, texto);

  function desenhaNumeros(linhas) {
    if (!linhas.length) return vazio("Nenhum número ainda.");
    const muda = (nome, corpo) => chama("PUT", `instancias/${encodeURIComponent(nome)}`, corpo).then(() => renova());
    return tabela(
      ["Instância", "Estado", ""],
      linhas.map((um) => {
        const aberto = um.estado === "open";
        const troca = botao(aberto ? "Desconectar" : "Conectar", () => muda(um.nome, { estado: aberto ? "close" : "open" }), { chave: `t ${um.nome}` });
        const banir = aberto && um.provedor !== "zapi" ? botao("Banir", () => muda(um.nome, { estado: "close", motivo: 403 }), { class: "perigo", chave: `b ${um.nome}` }) : "";
        const fila = um.na_fila ? ` · ${um.na_fila} na fila` : "";
        return [[el("b", {}, um.nome), el("br"), el("small", {}, [telefone(um.numero), um.provedor].filter(Boolean).join(" · "))], el("span", { class: aberto ? "bom" : "mau" }, `${ESTADOS[um.estado] ?? um.estado}${fila}`), el("span", { class: "botoes" }, troca, banir)];
      }),
    );
  }

  function desenhaSalvy(linhas) {
    if (!linhas.length) return vazio("Nenhum número alugado.");
    return linhas.map((um) => {
      const manda = () => {
        const texto = prompt("Texto do SMS", "Seu codigo do WhatsApp: 123-456");
        if (texto) return chama("POST", "salvy/sms", { numero: um.id, texto }).then(() => renova());
      };
      return el(
        "div",
        { class: "ligada" },
        el("span", { class: "meio" }, el("b", {}, telefone(um.telefone)), el("small", {}, [um.nome, um.status].filter(Boolean).join(" · ")), um.sms.slice(0, 3).map((sms) => el("small", {}, `✉ ${sms.originPhoneNumber}: ${sms.message}`))),
        botao("Chega SMS…", manda, { chave: `s ${um.id}` }),
      );
    });
  }

  function desenhaAtivador(linhas) {
    if (!linhas.length) return vazio("Fila vazia.");
    const reinicia = botao("Reiniciar (esquece a fila)", () => chama("DELETE", "ativador").then(() => renova()), { class: "perigo" });
    return [tabela(["Telefone", "Estado", "Passo", "Erro"], linhas.map((um) => [telefone(um.telefone), um.status, um.step ?? "", um.error ?? ""])), reinicia];
  }

  function desenhaEntregas(tentativas) {
    if (!tentativas.length) return vazio("Nenhuma entrega ainda.");
    const mostrado = (status) => el("span", { class: status >= 200 && status < 300 ? "bom" : "mau" }, status ? String(status) : "sem resposta");
    return tabela(
      ["Hora", "De", "Evento", "Tentativa", "Status"],
      [...tentativas].reverse().map((uma) => [hora(uma.at_s), uma.instance, el("span", { class: "longo", title: uma.url }, uma.event), String(uma.attempt), mostrado(uma.status)]),
    );
  }

  return { renova };
}
