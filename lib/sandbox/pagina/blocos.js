// Slack's Block Kit and mrkdwn as elements.

import { el } from "./nucleo.js";

const EMOJI = { white_check_mark: "✅", x: "❌", warning: "⚠️", rotating_light: "🚨", information_source: "ℹ️", bell: "🔔", red_circle: "🔴", large_green_circle: "🟢", large_yellow_circle: "🟡", eyes: "👀", hourglass: "⌛", lock: "🔒", robot_face: "🤖", pause_button: "⏸️", arrow_forward: "▶️", calendar: "📅", hospital: "🏥", phone: "☎️", iphone: "📱" };
const PEDACOS = /```([\s\S]+?)```|`([^`\n]+)`|<([^>\n]+)>|(?<![\w*])\*(\S(?:[^*\n]*\S)?)\*(?![\w*])|(?<![\w_])_(\S(?:[^_\n]*\S)?)_(?![\w_])|(?<![\w~])~(\S(?:[^~\n]*\S)?)~(?![\w~])|:([a-z0-9_+-]+):/g;

const solta = (texto) => texto.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

/** Text with Slack's marks; `nomes` maps user and channel ids to names. */
export function mrkdwn(texto, nomes = {}) {
  const feitos = [];
  let ate = 0;
  for (const achado of texto.matchAll(PEDACOS)) {
    const [tudo, cerca, codigo, referencia, forte, fraco, riscado, emoji] = achado;
    feitos.push(solta(texto.slice(ate, achado.index)));
    ate = achado.index + tudo.length;
    if (cerca !== undefined) feitos.push(el("pre", {}, solta(cerca.replace(/^\n/, ""))));
    else if (codigo !== undefined) feitos.push(el("code", {}, solta(codigo)));
    else if (referencia !== undefined) feitos.push(ligacao(referencia, nomes));
    else if (forte !== undefined) feitos.push(el("b", {}, mrkdwn(forte, nomes)));
    else if (fraco !== undefined) feitos.push(el("i", {}, mrkdwn(fraco, nomes)));
    else if (riscado !== undefined) feitos.push(el("s", {}, mrkdwn(riscado, nomes)));
    else feitos.push(EMOJI[emoji] ?? tudo);
  }
  feitos.push(solta(texto.slice(ate)));
  return feitos.filter((parte) => parte !== "");
}

function ligacao(referencia, nomes) {
  const [alvo, rotulo] = referencia.split("|", 2);
  if (alvo.startsWith("@")) return el("span", { class: "mencao" }, `@${rotulo ?? nomes[alvo.slice(1)] ?? alvo.slice(1)}`);
  if (alvo.startsWith("#")) return el("span", { class: "mencao" }, `#${rotulo ?? nomes[alvo.slice(1)] ?? alvo.slice(1)}`);
  if (alvo.startsWith("!")) return rotulo ?? alvo;
  const mostrado = solta(rotulo ?? alvo);
  return /^https?:/.test(alvo) ? el("a", { href: solta(alvo), rel: "noreferrer noopener", target: "_blank" }, mostrado) : mostrado;
}

const escrito = (texto, nomes) => (texto?.type === "mrkdwn" ? mrkdwn(texto.text, nomes) : [texto?.text ?? ""]);

/** One block. `aperta(element)` presses a button. */
export function bloco(um, nomes, aperta) {
  switch (um.type) {
    case "header":
      return el("h3", {}, escrito(um.text, nomes));
    case "section":
      return el(
        "div",
        { class: "secao" },
        el("div", { class: "corpo" }, um.text ? el("p", {}, escrito(um.text, nomes)) : null, um.fields ? el("div", { class: "campos-slack" }, um.fields.map((campo) => el("p", {}, escrito(campo, nomes)))) : null),
        um.accessory ? elemento(um.accessory, aperta) : null,
      );
    case "context":
      return el("p", { class: "contexto" }, um.elements.flatMap((parte, n) => [n ? " · " : "", ...escrito(parte, nomes)]));
    case "actions":
      return el("div", { class: "botoes" }, um.elements.map((parte) => elemento(parte, aperta)));
    case "divider":
      return el("hr");
    case "input":
      return entrada(um);
    default:
      return el("p", { class: "contexto" }, `[bloco ${um.type}]`);
  }
}

function elemento(um, aperta) {
  if (um.type !== "button") return el("span", { class: "contexto" }, `[${um.type}]`);
  const classe = { primary: "forte", danger: "perigo" }[um.style] ?? "";
  const confirma = () => {
    const c = um.confirm;
    return !c || confirm([c.title?.text, c.text?.text].filter(Boolean).join("\n\n"));
  };
  return el("button", { type: "button", class: classe, "data-chave": `${um.action_id} ${um.value ?? ""}`, click: () => confirma() && aperta(um) }, um.text.text);
}

function entrada(um) {
  const e = um.element ?? {};
  const controle = el(e.multiline ? "textarea" : "input", { name: `${um.block_id}\u0000${e.action_id}`, placeholder: e.placeholder?.text ?? "", required: !um.optional });
  controle.value = e.initial_value ?? "";
  return el("label", { class: "campo" }, el("span", {}, um.label?.text ?? ""), controle);
}
