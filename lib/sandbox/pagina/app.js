// The tabs, and the clock that asks every second what is new.

import { avisa, el, le, lugar } from "./nucleo.js";
import { chatwoot } from "./chatwoot.js";
import { falhas } from "./falhas.js";
import { sistemas } from "./sistemas.js";
import { slack } from "./slack.js";
import { telefones } from "./telefones.js";

const ABAS = { telefones, chatwoot, slack, falhas, sistemas };
const tela = document.getElementById("tela");
const situacao = document.getElementById("situacao");
const abas = [...document.querySelectorAll("#abas button")];
let atual;

function abre(nome) {
  const escolhida = nome in ABAS ? nome : "telefones";
  lugar.put({ aba: escolhida });
  for (const aba of abas) {
    aba.setAttribute("aria-selected", String(aba.dataset.aba === escolhida));
    aba.tabIndex = aba.dataset.aba === escolhida ? 0 : -1;
  }
  atual = ABAS[escolhida](tela);
  renova();
}

for (const [n, aba] of abas.entries()) {
  aba.addEventListener("click", () => abre(aba.dataset.aba));
  aba.addEventListener("keydown", (evento) => {
    const passo = { ArrowRight: 1, ArrowLeft: -1 }[evento.key];
    if (!passo) return;
    const outra = abas[(n + passo + abas.length) % abas.length];
    outra.focus();
    outra.click();
  });
}

let falando = false;
async function renova() {
  if (falando || document.hidden) return;
  falando = true;
  const esta = atual;
  try {
    const resumo = await le("resumo");
    mostraResumo(resumo);
    await esta.renova(resumo);
  } catch (erro) {
    situacao.replaceChildren(el("span", { class: "mau" }, "sem resposta do sandbox"));
    if (!(erro instanceof TypeError)) avisa(erro.message);
  } finally {
    falando = false;
    if (esta !== atual) renova();
  }
}

function mostraResumo(resumo) {
  const avisos = [];
  if (resumo.falhas) avisos.push(`${resumo.falhas} ${resumo.falhas === 1 ? "falha ligada" : "falhas ligadas"}`);
  if (resumo.webhooks_parados) avisos.push("webhooks parados");
  if (resumo.modelo !== "julia") avisos.push(`modelo ${resumo.modelo}`);
  situacao.replaceChildren(
    avisos.length ? el("span", { class: "mau" }, avisos.join(" · ")) : "tudo normal · nada sai desta máquina",
  );
}

abre(lugar.get("aba"));
setInterval(renova, 1000);
document.addEventListener("visibilitychange", renova);
