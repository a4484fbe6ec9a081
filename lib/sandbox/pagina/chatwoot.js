// Chatwoot as its agents have it: conversations, threads with private notes, labels, whose it is, resolved or open.

import { botao, caixa, campo, chama, el, escolha, hora, le, lugar, marca, mostra, retrato, telefone } from "./nucleo.js";

const STATUS = { open: "aberta", resolved: "resolvida", pending: "pendente", snoozed: "adiada" };

export function chatwoot(tela) {
  let aberta = Number(lugar.get("conversa")) || null;
  let autor = 5;
  let privada = false;
  const lista = el("ul", { class: "itens", "aria-label": "Conversas" });
  const cabeca = el("div", { class: "cabeca" });
  const acoes = el("div", { class: "acoes" });
  const fio = el("div", { class: "bolhas", role: "log", "aria-label": "Mensagens", tabindex: "0" });
  const pe = el("div");
  const duas = el("div", { class: "duas" }, el("section", { class: "lista" }, lista), el("section", { class: "painel" }, cabeca, acoes, fio, pe));
  tela.replaceChildren(duas);
  abre(aberta);

  function abre(id) {
    aberta = id;
    lugar.put({ conversa: id });
    duas.classList.toggle("aberta", Boolean(id));
    if (!id) {
      for (const parte of [cabeca, acoes, pe]) parte.replaceChildren();
      mostra(fio, ["nenhuma"], () => el("p", { class: "vazio" }, "Escolha uma conversa para ler e escrever como agente."));
      return;
    }
    const envia = (texto) => chama("POST", `chatwoot/conversas/${id}/mensagens`, { texto, privada, autor_id: autor }).then(renova);
    const nota = marca("nota privada (só a equipe vê)", privada, (sim) => {
      privada = sim;
      pe.classList.toggle("nota", sim);
    });
    pe.replaceChildren(caixa({ chave: `chatwoot ${id}`, rotulo: "Escreva como agente", envia, extra: [nota] }));
  }

  async function renova() {
    const tudo = await le("chatwoot/conversas");
    mostra(lista, [aberta, tudo.conversas], ([, linhas]) => desenhaLista(linhas));
    if (!aberta) return;
    const conversa = await le(`chatwoot/conversas/${aberta}`).catch(() => null);
    if (!conversa) return abre(null);
    mostra(cabeca, conversa.contato, desenhaCabeca);
    mostra(acoes, [conversa.status, conversa.etiquetas, conversa.responsavel, conversa.contato, tudo.etiquetas, tudo.pessoas, autor], () => desenhaAcoes(conversa, tudo));
    mostra(fio, [conversa.id, conversa.mensagens], () => conversa.mensagens.map(mensagem), { segueFim: true });
  }

  function desenhaLista(linhas) {
    if (!linhas.length) return el("li", { class: "vazio" }, "Nenhuma conversa. Elas nascem quando o programa espelha a primeira mensagem de um médico.");
    return linhas.map((linha) =>
      el(
        "li",
        {},
        el(
          "button",
          { type: "button", "data-chave": linha.id, "aria-current": String(linha.id === aberta), click: () => (abre(linha.id), renova()) },
          retrato(linha.contato.nome),
          el(
            "span",
            { class: "meio" },
            el("b", {}, linha.contato.nome),
            el("small", {}, linha.ultima ?? ""),
            el("span", { class: "selos" }, selo(STATUS[linha.status] ?? linha.status, linha.status), linha.etiquetas.map((nome) => selo(nome, "etiqueta")), linha.responsavel ? selo(linha.responsavel.nome, "pessoa") : null),
          ),
          el("time", {}, hora(linha.mudou_s)),
        ),
      ),
    );
  }

  const selo = (texto, classe) => el("span", { class: `selo ${classe}` }, texto);

  const desenhaCabeca = (contato) => [
    botao("‹", () => abre(null), { class: "volta", "aria-label": "Voltar às conversas" }),
    retrato(contato.nome),
    el("span", { class: "meio" }, el("b", {}, contato.nome), el("small", {}, [telefone(contato.telefone), contato.identificador].filter(Boolean).join(" · "))),
  ];

  function desenhaAcoes(conversa, tudo) {
    const caminho = `chatwoot/conversas/${conversa.id}`;
    const muda = (parte, corpo) => chama("PUT", `${caminho}/${parte}`, corpo).then(renova);
    const pessoas = tudo.pessoas.filter((uma) => uma.papel === "agent").map((uma) => [uma.id, uma.nome]);
    const outro = conversa.status === "open" ? ["Resolver", "resolved"] : ["Reabrir", "open"];
    const etiquetas = tudo.etiquetas.map((nome) =>
      marca(nome, conversa.etiquetas.includes(nome), (sim) => muda(`etiquetas/${encodeURIComponent(nome)}`, { presente: sim }), { "data-chave": `e ${nome}` }),
    );
    const fone = () => {
      const novo = prompt("Telefone do contato (+55…); vazio tira", conversa.contato.telefone ?? "");
      if (novo !== null) return chama("PUT", `chatwoot/contatos/${conversa.contato.id}/telefone`, { telefone: novo.trim() || null }).then(renova);
    };
    return [
      botao(outro[0], () => muda("status", { status: outro[1] }), { class: "forte", chave: "status" }),
      campo("De quem é", escolha([["", "ninguém"], ...pessoas], conversa.responsavel?.id ?? "", (id) => muda("responsavel", { pessoa_id: id ? Number(id) : null }), { "data-chave": "dono" })),
      campo("Escrevo como", escolha(pessoas, autor, (id) => (autor = Number(id)), { "data-chave": "autor" })),
      el("fieldset", { class: "marcas" }, el("legend", {}, "Etiquetas"), etiquetas),
      botao("Telefone…", fone),
    ];
  }

  function mensagem(uma) {
    if (uma.tipo === "activity") return el("p", { class: "dia" }, uma.texto);
    const classe = uma.privada ? "nossa nota" : uma.tipo === "incoming" ? "" : "nossa";
    const autorDe = uma.privada ? `Nota privada de ${uma.autor?.nome ?? "alguém"}` : uma.autor?.nome;
    return el(
      "div",
      { class: `bolha ${classe}` },
      autorDe ? el("b", { class: "autor" }, autorDe) : null,
      el("span", { class: "texto" }, uma.texto ?? ""),
      el("span", { class: "quando" }, hora(uma.em_s)),
    );
  }

  return { renova };
}
