// Slack as its people have it: channels, messages with buttons that press, `/julia …`, mentions, open views.

import { bloco, mrkdwn } from "./blocos.js";
import { avisa, botao, caixa, campo, chama, el, escolha, faz, hora, le, lugar, marca, mostra, retrato } from "./nucleo.js";

export function slack(tela) {
  let canal = lugar.get("canal");
  let usuario = lugar.get("usuario") || "U00000002";
  let mencao = true;
  let nomes = {};
  const canais = el("ul", { class: "itens", "aria-label": "Canais" });
  const quem = el("div", { class: "escolhas" });
  const cabeca = el("div", { class: "cabeca" });
  const fio = el("div", { class: "bolhas slack", role: "log", "aria-label": "Mensagens", tabindex: "0" });
  const telas = el("div", { class: "telas" });
  const pe = el("div");
  const duas = el("div", { class: "duas" }, el("section", { class: "lista" }, quem, canais), el("section", { class: "painel" }, cabeca, fio, telas, pe));
  tela.replaceChildren(duas);

  const direto = () => canal?.startsWith("D");

  function abre(id) {
    canal = id;
    lugar.put({ canal: id });
    duas.classList.toggle("aberta", Boolean(id));
    const envia = async (texto) => {
      const comando = /^\/julia(\s|$)/.exec(texto);
      if (comando) await chama("POST", "slack/comando", { canal, usuario, texto: texto.slice(comando[0].length).trim() });
      else if (texto.startsWith("/")) return avisa("só existe o comando /julia");
      else await chama("POST", "slack/fala", { canal: direto() ? null : canal, usuario, texto, mencao });
      await renova();
    };
    const opcoes = direto() ? [] : [marca("menciona @julia", mencao, (sim) => (mencao = sim))];
    const rotulo = direto() ? "Escreva, ou /julia ajuda" : "Mencione, ou /julia ajuda";
    pe.replaceChildren(...(id ? [caixa({ chave: `slack ${id}`, rotulo, envia, extra: opcoes })] : []));
  }

  async function renova() {
    const tudo = await le("slack/canais");
    nomes = Object.fromEntries([...tudo.canais, ...tudo.pessoas].map((um) => [um.id, um.nome]));
    mostra(quem, [usuario, tudo.pessoas], desenhaQuem);
    mostra(canais, [canal, usuario, tudo.canais], ([, , todos]) => desenhaCanais(todos));
    if (canal === null && matchMedia("(min-width: 720px)").matches) {
      const cheio = [...tudo.canais].sort((a, b) => b.mensagens - a.mensagens)[0];
      if (cheio) abre(cheio.id);
    } else if (canal && !pe.firstChild) abre(canal);
    if (!canal) return;
    mostra(cabeca, [canal, nomes[canal]], desenhaCabeca);
    const visto = await le(`slack/mensagens?canal=${encodeURIComponent(canal)}&usuario=${encodeURIComponent(usuario)}`);
    mostra(fio, [canal, nomes, visto.mensagens], () => desenhaFio(visto.mensagens), { segueFim: true });
    mostra(telas, visto.telas, (abertas) => abertas.map(desenhaTela));
  }

  function desenhaQuem([, pessoas]) {
    const gente = pessoas.filter((uma) => !uma.robo).map((uma) => [uma.id, `${uma.nome} (${uma.id})`]);
    const troca = (id) => {
      usuario = id;
      lugar.put({ usuario: id });
      return renova();
    };
    return campo("Sou", escolha(gente, usuario, troca, { "data-chave": "quem" }));
  }

  function desenhaCanais(todos) {
    const meus = todos.filter((um) => um.usuario === null || um.usuario === usuario);
    const dm = `D${usuario.slice(1)}`;
    if (!meus.some((um) => um.id === dm)) meus.push({ id: dm, nome: "direto", usuario, mensagens: 0 });
    return meus.map((um) =>
      el(
        "li",
        {},
        el(
          "button",
          { type: "button", "data-chave": um.id, "aria-current": String(um.id === canal), click: () => (abre(um.id), faz(renova)) },
          el("span", { class: "meio" }, el("b", {}, um.usuario ? "✉ Júlia (direto)" : `# ${um.nome}`), el("small", {}, um.id)),
          el("span", { class: "conta" }, um.mensagens ? String(um.mensagens) : ""),
        ),
      ),
    );
  }

  const desenhaCabeca = () => [
    botao("‹", () => abre(""), { class: "volta", "aria-label": "Voltar aos canais" }),
    el("span", { class: "meio" }, el("b", {}, direto() ? "Júlia (direto)" : `# ${nomes[canal] ?? canal}`)),
  ];

  function desenhaFio(mensagens) {
    if (!mensagens.length) return el("p", { class: "vazio" }, "Nada por aqui ainda. Tente /julia ajuda.");
    return mensagens.map((uma) => {
      const aperta = (um) =>
        faz(() => chama("POST", "slack/botao", { canal: uma.canal, ts: uma.ts, action_id: um.action_id, valor: um.value ?? null, usuario }).then(renova));
      const notas = [uma.para ? "só você vê" : null, uma.editada ? "editada" : null, uma.thread_ts && uma.thread_ts !== uma.ts ? "na conversa" : null].filter(Boolean);
      return el(
        "article",
        { class: `recado ${uma.para ? "efemera" : ""}` },
        retrato(uma.nome),
        el(
          "div",
          { class: "corpo" },
          el("p", { class: "autoria" }, el("b", {}, uma.nome), uma.robo ? el("span", { class: "selo" }, "app") : null, el("time", {}, hora(Number(uma.ts))), notas.length ? el("small", {}, notas.join(" · ")) : null),
          uma.blocos.length ? uma.blocos.map((um) => bloco(um, nomes, aperta)) : el("p", {}, mrkdwn(uma.texto, nomes)),
          uma.arquivos.map((nome) => el("p", { class: "contexto" }, `📎 ${nome}`)),
        ),
      );
    });
  }

  function desenhaTela({ id, view }) {
    const envia = (evento) => {
      evento.preventDefault();
      const valores = {};
      for (const [nome, valor] of new FormData(evento.target)) {
        const [onde, acao] = nome.split("\u0000");
        (valores[onde] ??= {})[acao] = valor;
      }
      faz(() => chama("POST", `slack/telas/${id}`, { valores }).then(renova));
    };
    return el(
      "form",
      { class: "tela-aberta", submit: envia },
      el("h3", {}, view.title?.text ?? ""),
      (view.blocks ?? []).map((um) => bloco(um, nomes, () => {})),
      el("button", { class: "forte" }, view.submit?.text ?? "Enviar"),
    );
  }

  return { renova };
}
