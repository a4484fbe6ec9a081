// Every system at a glance: counts, numbers, Salvy, the activator, what became of each webhook.

import { botao, campo, chama, el, faz, hora, le, marca, mostra, telefone } from "./nucleo.js";
import { numeros } from "./numeros.js";

const CONTAS = {
  numeros: "números", conversas: "conversas", aceitas: "mensagens aceitas", llm_chamadas: "chamadas ao modelo",
  chatwoot_conversas: "conversas no Chatwoot", slack_mensagens: "mensagens no Slack", salvy_numeros: "números na Salvy",
  ativacoes: "ativações", buscas: "buscas", webhooks_entregues: "webhooks entregues", webhooks_pendentes: "pendentes", webhooks_desistencias: "desistências",
};

export function sistemas(tela) {
  const contas = el("dl", { class: "contas" });
  const nossos = numeros(() => renova());
  const salvy = el("div", { class: "rola" });
  const estoque = el("div");
  const ativador = el("div", { class: "rola" });
  const trava = el("div");
  const entregas = el("div", { class: "rola" });
  const programa = el("p", { class: "ajuda" });
  const cartao = (titulo, ...partes) => el("section", { class: "cartao" }, el("h2", {}, titulo), partes);
  tela.replaceChildren(
    el(
      "div",
      { class: "cartoes largos" },
      cartao("Contagens", programa, contas, apaga()),
      cartao("Números do WhatsApp", ...nossos.partes),
      cartao("Salvy", estoque, salvy, alugar()),
      cartao("Ativador de chips", trava, ativador),
      cartao("Webhooks", entregas),
    ),
  );

  function apaga() {
    const tudo = () => confirm("Esquecer números, conversas e mensagens de todos os sistemas?") && chama("DELETE", "tudo").then(() => location.assign("/"));
    return botao("Esquecer tudo…", tudo, { class: "perigo" });
  }

  function alugar() {
    return botao("Alugar número", () => chama("POST", "salvy/numeros", { nome: "pelo sandbox" }).then(() => renova()));
  }

  async function renova(resumo) {
    const [agora, ddds, salvys, fila, webhooks] = await Promise.all([
      resumo ?? le("resumo"), le("salvy/ddds"), le("salvy/numeros"), le("ativador"), le("webhooks?ultimas=40"), nossos.renova(),
    ]);
    mostra(programa, agora.programa, (url) => `Os webhooks vão para ${url}.`);
    mostra(contas, agora, (tudo) => Object.entries(CONTAS).flatMap(([nome, rotulo]) => el("div", {}, el("dt", {}, rotulo), el("dd", {}, String(tudo[nome])))));
    mostra(estoque, ddds, desenhaEstoque);
    mostra(salvy, salvys, desenhaSalvy);
    mostra(trava, fila.ocupa, desenhaTrava);
    mostra(ativador, fila.ativacoes, desenhaAtivador);
    mostra(entregas, webhooks.tentativas, desenhaEntregas);
  }

  const tabela = (titulos, linhas) => el("table", {}, el("thead", {}, el("tr", {}, titulos.map((t) => el("th", { scope: "col" }, t)))), el("tbody", {}, linhas.map((celulas) => el("tr", {}, celulas.map((c) => el("td", {}, c))))));
  const vazio = (texto) => el("p", { class: "vazio" }, texto);

  function desenhaEstoque(ddds) {
    const dito = el("input", { value: ddds.join(" "), inputmode: "numeric", pattern: "[0-9 ,]*" });
    const guarda = (evento) => {
      evento.preventDefault();
      faz(() => chama("PUT", "salvy/ddds", { ddds: (dito.value.match(/\d+/g) ?? []).map(Number) }).then(() => renova()));
    };
    return el("form", { class: "campos", submit: guarda }, campo("DDDs em estoque", dito), el("button", {}, "Guardar"));
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

  function desenhaTrava(ocupa) {
    return marca("nada responde, nem /health, enquanto uma ativação roda", ocupa, (sim) => chama("PUT", "ativador", { ocupa: sim }).then(() => renova()), { "data-chave": "trava" });
  }

  function desenhaAtivador(linhas) {
    if (!linhas.length) return vazio("Fila vazia.");
    const reinicia = botao("Reiniciar (esquece a fila)", () => chama("DELETE", "ativador").then(() => renova()), { class: "perigo" });
    return [tabela(["Telefone", "Estado", "Passo", "Código enviado", "Erro"], linhas.map((um) => [telefone(um.telefone.length < 12 ? `55${um.telefone}` : um.telefone), um.status, um.step ?? "", um.esperado, um.error ?? ""])), reinicia];
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
