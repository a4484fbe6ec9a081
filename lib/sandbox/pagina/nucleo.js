// What every tab uses: elements made of data (never of markup), calls to the controls, the address, the clock.

const horas = new Intl.DateTimeFormat("pt-BR", { timeZone: "America/Sao_Paulo", hour: "2-digit", minute: "2-digit" });
const dias = new Intl.DateTimeFormat("pt-BR", { timeZone: "America/Sao_Paulo", day: "2-digit", month: "long" });

export const hora = (s) => horas.format(new Date(s * 1000));
export const dia = (s) => dias.format(new Date(s * 1000));

/** Make an element. Attributes that are functions become listeners; children that are strings become text. */
export function el(tag, atributos = {}, ...filhos) {
  const feito = document.createElement(tag);
  for (const [nome, valor] of Object.entries(atributos)) {
    if (typeof valor === "function") feito.addEventListener(nome, valor);
    else if (nome === "class") feito.className = valor;
    else if (nome in feito && typeof valor === "boolean") feito[nome] = valor;
    else if (valor !== null && valor !== undefined) feito.setAttribute(nome, valor);
  }
  feito.append(...filhos.flat().filter((filho) => filho !== null && filho !== undefined && filho !== false));
  return feito;
}

/** Call a control. Its refusal is shown to the person and thrown. */
export async function chama(metodo, caminho, corpo) {
  const resposta = await fetch(`/_sandbox/${caminho}`, {
    method: metodo,
    headers: { "X-Sandbox": "1", ...(corpo === undefined ? {} : { "Content-Type": "application/json" }) },
    body: corpo === undefined ? undefined : JSON.stringify(corpo),
  });
  const dito = await resposta.json().catch(() => null);
  if (!resposta.ok) {
    const motivo = typeof dito?.detail === "string" ? dito.detail : `o sandbox respondeu ${resposta.status}`;
    throw new Error(motivo);
  }
  return dito;
}

export const le = (caminho) => chama("GET", caminho);

/** Run what a person asked for; what goes wrong is told at the foot of the page. */
export async function faz(acao) {
  try {
    await acao();
  } catch (erro) {
    avisa(erro.message);
  }
}

let calado;
export function avisa(texto) {
  const recado = document.getElementById("recado");
  recado.textContent = texto;
  recado.hidden = false;
  clearTimeout(calado);
  calado = setTimeout(() => (recado.hidden = true), 6000);
}

/** The state of the page is its address, so that a reload or a link shows the same. */
export const lugar = {
  get: (nome) => new URLSearchParams(location.search).get(nome),
  put(mudancas) {
    const busca = new URLSearchParams(location.search);
    for (const [nome, valor] of Object.entries(mudancas)) {
      if (valor === null || valor === undefined || valor === "") busca.delete(nome);
      else busca.set(nome, valor);
    }
    history.replaceState(null, "", `?${busca}`);
  },
};

const mostrados = new WeakMap();

/**
 * Show data in a region, only if it changed since the last time: what a person is reading, selecting or has focused
 * stays. A list that is at its end follows what is new.
 */
export function mostra(regiao, dados, desenha, { segueFim = false } = {}) {
  const retrato = JSON.stringify(dados);
  if (mostrados.get(regiao) === retrato) return;
  const primeira = !mostrados.has(regiao);
  mostrados.set(regiao, retrato);
  const noFim = regiao.scrollHeight - regiao.scrollTop - regiao.clientHeight < 80;
  const altura = regiao.scrollTop;
  const focado = regiao.contains(document.activeElement) ? document.activeElement.dataset.chave : undefined;
  regiao.replaceChildren(...[desenha(dados)].flat().filter(Boolean));
  if (focado) regiao.querySelector(`[data-chave="${CSS.escape(focado)}"]`)?.focus();
  regiao.scrollTop = segueFim && (noFim || primeira) ? regiao.scrollHeight : altura;
}

/** A button with its act. */
export const botao = (texto, acao, atributos = {}) =>
  el("button", { type: "button", click: () => faz(acao), "data-chave": atributos.chave ?? texto, ...atributos }, texto);

/** A box to write in: Enter sends, Shift+Enter breaks the line; drafts are kept by key while the page lives. */
const rascunhos = new Map();
export function caixa({ chave, rotulo, envia, extra = [] }) {
  const texto = el("textarea", { rows: "1", placeholder: rotulo, "aria-label": rotulo });
  texto.value = rascunhos.get(chave) ?? "";
  const cresce = () => {
    texto.style.height = "auto";
    texto.style.height = `${Math.min(texto.scrollHeight + 2, 140)}px`;
    rascunhos.set(chave, texto.value);
  };
  const manda = () =>
    faz(async () => {
      const dito = texto.value.trim();
      if (!dito) return;
      await envia(dito);
      texto.value = "";
      cresce();
      texto.focus();
    });
  texto.addEventListener("input", cresce);
  texto.addEventListener("keydown", (evento) => {
    if (evento.key === "Enter" && !evento.shiftKey && !evento.isComposing) {
      evento.preventDefault();
      manda();
    }
  });
  const enviar = el("button", { type: "submit", class: "enviar", "aria-label": "Enviar" }, "➤");
  return el(
    "form",
    { class: "caixa", submit: (evento) => (evento.preventDefault(), manda()) },
    extra.length ? el("div", { class: "extras" }, extra) : null,
    el("div", { class: "linha" }, texto, enviar),
  );
}

/** A field with its label. */
export const campo = (rotulo, controle, classe = "") => el("label", { class: `campo ${classe}` }, el("span", {}, rotulo), controle);

/** A choice; `opcoes` are [value, text]. */
export function escolha(opcoes, valor, muda, atributos = {}) {
  const feito = el("select", { change: () => faz(async () => muda?.(feito.value)), ...atributos });
  for (const [v, texto] of opcoes) feito.append(el("option", { value: v, selected: String(v) === String(valor) }, texto));
  return feito;
}

/** A mark to set. */
export function marca(rotulo, ligada, muda, atributos = {}) {
  const feita = el("input", { type: "checkbox", checked: ligada, change: () => faz(async () => muda?.(feita.checked)), ...atributos });
  return el("label", { class: "marca" }, feita, rotulo);
}

export const iniciais = (nome) =>
  (nome || "?")
    .replace(/^(Dra?\.?)\s+/i, "")
    .split(/\s+/)
    .slice(0, 2)
    .map((parte) => parte[0] ?? "")
    .join("")
    .toUpperCase();

export const retrato = (nome) => el("span", { class: "retrato", "aria-hidden": "true" }, iniciais(nome));

export function telefone(digitos) {
  const achado = /^\+?55(\d{2})(\d{4,5})(\d{4})$/.exec(digitos ?? "");
  return achado ? `+55 ${achado[1]} ${achado[2]}-${achado[3]}` : (digitos ?? "");
}
