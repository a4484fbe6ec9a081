// Our numbers and the doctors' phones: each chat as WhatsApp shows it, and a box to write in as the doctor.

import { botao, caixa, campo, chama, dia, el, escolha, faz, hora, le, lugar, marca, mostra, retrato, telefone } from "./nucleo.js";

const GATEWAYS = { evolution: "Evolution", zapi: "Z-API", meta: "Meta" };
const ESTADOS = { connecting: "conectando", close: "desconectado" };
const TIQUES = { "a caminho": [], enviada: ["M2 7l3 3 6-7"], entregue: ["M2 7l3 3 6-7", "M8 9l1 1 6-7"], lida: ["M2 7l3 3 6-7", "M8 9l1 1 6-7"] };
const FICTICIOS = ["Dra. Ana Fictícia", "Dr. Bruno Exemplo", "Dra. Carla Modelo", "Dr. Davi Ensaio", "Dra. Elisa Teste"];

export function telefones(tela) {
  const numero = { atual: lugar.get("numero"), todos: [] };
  const medico = { telefone: lugar.get("medico"), nome: lugar.get("nome") };
  let deNos = false;
  let oculto;
  let chats = [];

  const numeros = el("div", { class: "escolhas" });
  const conversas = el("ul", { class: "itens", "aria-label": "Conversas" });
  const cabeca = el("div", { class: "cabeca" });
  const bolhas = el("div", { class: "bolhas", role: "log", "aria-label": "Conversa", tabindex: "0" });
  const pe = el("div");
  const duas = el(
    "div",
    { class: "duas" },
    el("section", { class: "lista" }, numeros, conversas, novo()),
    el("section", { class: "painel telefone" }, cabeca, bolhas, pe),
  );
  tela.replaceChildren(duas);
  abre();

  function novo() {
    const nome = el("input", { required: true });
    const fone = el("input", { inputmode: "tel", required: true, pattern: "[0-9+ \\-]{8,20}" });
    const sugere = () => {
      const usados = new Set(chats.map((um) => um.telefone));
      let sorteio;
      do sorteio = 1000 + Math.floor(Math.random() * 9000);
      while (usados.has(`551190000${sorteio}`));
      nome.value = FICTICIOS[sorteio % FICTICIOS.length];
      fone.value = `551190000${sorteio}`;
    };
    const comeca = (evento) => {
      evento.preventDefault();
      escolhe(fone.value.replace(/\D/g, ""), nome.value.trim());
      detalhes.open = false;
    };
    const detalhes = el(
      "details",
      { class: "novo", toggle: () => detalhes.open && sugere() },
      el("summary", {}, "Nova médica ou médico"),
      el("form", { class: "campos", submit: comeca }, campo("Nome", nome), campo("Telefone fictício", fone), el("button", { class: "forte" }, "Abrir conversa")),
    );
    return detalhes;
  }

  function escolhe(fone, nome) {
    medico.telefone = fone;
    medico.nome = nome;
    oculto = undefined;
    lugar.put({ medico: fone, nome });
    abre();
    faz(renova);
  }

  function abre() {
    duas.classList.toggle("aberta", Boolean(medico.telefone));
    if (!medico.telefone) {
      cabeca.replaceChildren();
      bolhas.replaceChildren(el("p", { class: "vazio" }, "Escolha uma conversa, ou crie uma médica fictícia e escreva como ela."));
      pe.replaceChildren();
      return;
    }
    const envia = (texto) => {
      const corpo = { instance: numero.atual, telefone: medico.telefone, texto, nome: medico.nome || "Dra. Fictícia", minha: deNos };
      if (daMeta()) corpo.oculto = oculto;
      return chama("POST", "medicos/mensagem", corpo).then(renova);
    };
    const rotulo = `Como ${medico.nome || "a médica"}`;
    pe.replaceChildren(caixa({ chave: `fone ${numero.atual} ${medico.telefone}`, rotulo, envia, extra: opcoes() }));
    if (matchMedia("(min-width: 720px)").matches) pe.querySelector("textarea").focus();
  }

  function daMeta() {
    return numero.todos.find((um) => um.nome === numero.atual)?.provedor === "meta";
  }

  function opcoes() {
    const nossas = marca("digitada no aparelho do nosso número", deNos, (sim) => (deNos = sim));
    const esconde = marca("esconde o telefone (só id da Meta)", oculto ?? false, (sim) => (oculto = sim));
    return daMeta() ? [nossas, esconde] : [nossas];
  }

  async function renova() {
    numero.todos = await le("instancias");
    if (!numero.todos.some((um) => um.nome === numero.atual) && !lugar.get("numero")) {
      const cheio = [...numero.todos].sort((a, b) => b.conversas - a.conversas)[0];
      numero.atual = cheio?.nome ?? null;
      abre();
    }
    mostra(numeros, [numero.atual, numero.todos], desenhaNumeros);
    if (!numero.atual) return;
    chats = await le(`conversas?instance=${encodeURIComponent(numero.atual)}`);
    mostra(conversas, [medico.telefone, chats], ([, linhas]) => desenhaConversas(linhas));
    if (!medico.telefone) return;
    const chat = await le(`conversas/${encodeURIComponent(numero.atual)}/${encodeURIComponent(medico.telefone)}`);
    if (chat.nome && !medico.nome) {
      medico.nome = chat.nome;
      abre();
    }
    mostra(cabeca, [medico, numero.atual], desenhaCabeca);
    mostra(bolhas, chat, desenhaChat, { segueFim: true });
  }

  function desenhaNumeros([, todos]) {
    if (!todos.length) return el("p", { class: "vazio" }, "Nenhum número ainda. Suba o programa com `agente up` ou crie um em Sistemas.");
    const estado = (um) => (um.estado === "open" ? "" : ` · ${ESTADOS[um.estado] ?? um.estado}`);
    const opcoesDe = todos.map((um) => [um.nome, `${telefone(um.numero) || um.nome} · ${GATEWAYS[um.provedor] ?? um.provedor}${estado(um)}`]);
    const troca = (nome) => {
      numero.atual = nome;
      medico.telefone = medico.nome = null;
      lugar.put({ numero: nome, medico: null, nome: null });
      abre();
      return renova();
    };
    return campo("Nosso número", escolha(opcoesDe, numero.atual, troca, { "data-chave": "numero" }));
  }

  function desenhaConversas(linhas) {
    if (!linhas.length) return el("li", { class: "vazio" }, "Nenhuma conversa neste número.");
    return linhas.map((linha) => {
      const nome = linha.nome || telefone(linha.telefone);
      return el(
        "li",
        {},
        el(
          "button",
          { type: "button", "data-chave": linha.telefone, "aria-current": String(linha.telefone === medico.telefone), click: () => escolhe(linha.telefone, linha.nome) },
          retrato(nome),
          el("span", { class: "meio" }, el("b", {}, nome), el("small", {}, `${linha.minha ? "Júlia: " : ""}${linha.ultima}`)),
          el("time", {}, hora(linha.em_s)),
        ),
      );
    });
  }

  function desenhaCabeca() {
    const volta = () => {
      medico.telefone = medico.nome = null;
      lugar.put({ medico: null, nome: null });
      abre();
    };
    return [
      botao("‹", volta, { class: "volta", "aria-label": "Voltar às conversas" }),
      retrato(medico.nome || medico.telefone),
      el("span", { class: "meio" }, el("b", {}, medico.nome || telefone(medico.telefone)), el("small", {}, telefone(medico.telefone))),
    ];
  }

  function desenhaChat(chat) {
    if (!chat.mensagens.length) return el("p", { class: "vazio" }, "Ainda não há mensagens. Escreva a primeira.");
    let ontem = "";
    return chat.mensagens.flatMap((mensagem) => {
      const hoje = dia(mensagem.em_s);
      const divisa = hoje === ontem ? [] : [el("p", { class: "dia" }, hoje)];
      ontem = hoje;
      return [...divisa, bolha(mensagem)];
    });
  }

  function bolha(mensagem) {
    const tique = mensagem.recibo ? tiques(mensagem.recibo) : null;
    return el("div", { class: `bolha ${mensagem.minha ? "nossa" : ""}` }, el("span", { class: "texto" }, mensagem.texto), el("span", { class: "quando" }, hora(mensagem.em_s), tique));
  }

  return { renova };
}

/** The marks of a message of ours: one when sent, two when delivered, in blue when read; a warning when WhatsApp refused it. */
function tiques(recibo) {
  if (recibo === "recusada") return el("span", { class: "mau" }, " ⚠ não entregue");
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [nome, valor] of Object.entries({ viewBox: "0 0 17 13", role: "img", "aria-label": recibo, class: `tique ${recibo}` })) svg.setAttribute(nome, valor);
  for (const traco of TIQUES[recibo] ?? []) {
    const linha = document.createElementNS(svg.namespaceURI, "path");
    linha.setAttribute("d", traco);
    svg.append(linha);
  }
  return svg;
}
