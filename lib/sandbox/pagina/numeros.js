// Our numbers: what a phone, WhatsApp or Meta does to each of them, and how Evolution takes its time.

import { botao, campo, chama, el, escolha, faz, le, marca, mostra, telefone } from "./nucleo.js";

const ESTADOS = { open: "conectado", connecting: "conectando", close: "desconectado" };
const QUALIDADES = ["GREEN", "YELLOW", "RED"];
const LIMITES = ["TIER_250", "TIER_1K", "TIER_2K", "TIER_10K", "TIER_100K", "TIER_UNLIMITED"];
const STATUS = ["CONNECTED", "FLAGGED", "RESTRICTED", "BANNED"];
const SOZINHO_MS = 300;
const QUEDA_MS = 5000;

/** The card's parts, and `renova` to show what is new. */
export function numeros(mudou) {
  const lista = el("div", { class: "rola numeros" });
  const gateway = el("div", { class: "gateway" });

  const manda = (metodo, nome, resto, corpo) => chama(metodo, `instancias/${encodeURIComponent(nome)}${resto}`, corpo).then(mudou);
  const ritmo = (corpo) => chama("PUT", "evolution", corpo).then(mudou);

  function novo() {
    const nome = el("input", { required: true, placeholder: "julia-09" });
    const provedor = escolha([["evolution", "Evolution"], ["zapi", "Z-API"], ["meta", "Meta"]], "evolution");
    const fone = el("input", { placeholder: "5511900000109", inputmode: "tel" });
    const cria = (evento) => {
      evento.preventDefault();
      faz(() => manda("PUT", nome.value.trim(), "", { provedor: provedor.value, numero: fone.value.replace(/\D/g, "") || null }));
    };
    return el("details", {}, el("summary", {}, "Novo número"), el("form", { class: "campos", submit: cria }, campo("Instância", nome), campo("Gateway", provedor), campo("Número", fone), el("button", {}, "Criar")));
  }

  function desenha(linhas) {
    if (!linhas.length) return el("p", { class: "vazio" }, "Nenhum número ainda.");
    return [...linhas].sort((a, b) => Boolean(b.qr) - Boolean(a.qr)).map((um) =>
      el(
        "article",
        { class: "numero" },
        el("p", {}, el("b", {}, um.nome), " ", el("small", {}, [telefone(um.numero), um.provedor].filter(Boolean).join(" · "))),
        situacao(um),
        um.qr ? codigo(um) : null,
        um.meta ? avaliacao(um) : null,
        el("div", { class: "botoes" }, botoes(um)),
      ),
    );
  }

  function situacao(um) {
    const partes = [el("span", { class: um.estado === "open" ? "bom" : "mau" }, ESTADOS[um.estado] ?? um.estado)];
    if (um.banida) partes.push(el("span", { class: "mau" }, "banido"));
    if (um.restrita_ate_s) partes.push(el("span", { class: "mau" }, "só responde (463)"));
    if (um.na_fila) partes.push(`${um.na_fila} na fila`);
    return el("p", {}, partes.flatMap((parte, n) => (n ? [" · ", parte] : [parte])));
  }

  function botoes(um) {
    const b = (texto, acao, classe) => botao(texto, acao, { class: classe ?? "", chave: `${um.nome} ${texto}` });
    const aberto = um.estado === "open";
    const liga = b(aberto ? "Desconectar" : "Conectar", () => manda("PUT", um.nome, "", { estado: aberto ? "close" : "open" }));
    if (um.provedor !== "evolution") return [liga];
    const restringe = () => manda(um.restrita_ate_s ? "DELETE" : "PUT", um.nome, "/restricao", um.restrita_ate_s ? undefined : {});
    const bane = () => manda(um.banida ? "DELETE" : "PUT", um.nome, "/banimento", um.banida ? undefined : {});
    return [
      aberto ? b("Sair pelo aparelho", () => manda("POST", um.nome, "/saida")) : !um.banida && liga,
      aberto && b("Cair por 5 s", () => manda("POST", um.nome, "/queda", { ms: QUEDA_MS })),
      b(um.restrita_ate_s ? "Tirar restrição" : "Restringir", restringe),
      b(um.banida ? "Desfazer banimento" : "Banir", bane, um.banida ? "" : "perigo"),
      b("Sumir", () => confirm(`Apagar ${um.nome} da Evolution, como se outra pessoa o fizesse?`) && manda("DELETE", um.nome, ""), "perigo"),
    ];
  }

  function codigo(um) {
    const le = (corpo) => manda("POST", um.nome, "/leitura", corpo);
    const digita = () => {
      const dito = prompt("Código de 8 letras que o programa mostrou");
      if (dito) return le({ codigo: dito.trim().toUpperCase().replace("-", "") });
    };
    const imagem = `/_sandbox/instancias/${encodeURIComponent(um.nome)}/qr.png?n=${um.qr}`;
    return el(
      "div",
      { class: "codigo" },
      el("img", { src: imagem, alt: `QR code de ${um.nome}`, width: "132", height: "132" }),
      el("div", { class: "botoes" }, el("small", {}, `código ${um.qr}`), botao("Ler o QR code", () => le({}), { class: "forte", chave: `${um.nome} qr` }), botao("Digitar código…", digita, { chave: `${um.nome} codigo` })),
    );
  }

  function avaliacao(um) {
    const muda = (corpo) => chama("PUT", `meta/numeros/${encodeURIComponent(um.nome)}`, corpo).then(mudou);
    const de = (valores, atual) => [...new Set([...valores, atual])].map((valor) => [valor, valor]);
    const menu = (rotulo, valores, chave) => campo(rotulo, escolha(de(valores, um.meta[chave]), um.meta[chave], (valor) => muda({ [chave]: valor }), { "data-chave": `${um.nome} ${chave}` }));
    return el("div", { class: "campos" }, menu("Qualidade", QUALIDADES, "qualidade"), menu("Status", STATUS, "status"), menu("Limite da conta", LIMITES, "limite"));
  }

  function desenhaGateway(agora) {
    const atraso = escolha([["0", "em dia"], ["2000", "2 s atrás"], ["15000", "15 s atrás"]], String(agora.coluna_ms), (ms) => ritmo({ coluna_ms: Number(ms) }), { "data-chave": "coluna" });
    const zumbis = agora.zumbis.length ? [el("p", { class: "mau" }, `Apagadas que ainda tentam conectar: ${agora.zumbis.join(", ")}`, " ", botao("Reiniciar a Evolution", () => chama("POST", "evolution/reinicio").then(mudou)))] : [];
    return [marca("QR codes se leem sozinhos", agora.parear_ms >= 0, (sim) => ritmo({ parear_ms: sim ? SOZINHO_MS : -1 }), { "data-chave": "sozinho" }), campo("Lista da Evolution", atraso, "linha"), ...zumbis];
  }

  async function renova() {
    const [linhas, evolution] = await Promise.all([le("instancias"), le("evolution")]);
    mostra(lista, linhas, desenha);
    mostra(gateway, evolution, desenhaGateway);
  }

  return { partes: [lista, gateway, novo()], renova };
}
