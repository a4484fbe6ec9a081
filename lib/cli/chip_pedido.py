"""`agente chip novo`, `pedidos`, `continuar`, `desistir`: new numbers, from the order to the warm-up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from time import monotonic
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from lib.cli.fluxo import prefect_of, start, with_resources
from lib.cli.pausa import Por, quem
from lib.domain.horario import SAO_PAULO
from lib.domain.provisao import FEITO, FINAIS, PROXIMO, EtapaProvisao, instancia_de, o_que_fazer
from lib.domain.telefone import mascarar
from lib.providers.prefect_api import PrefectError
from lib.queries.provisao import Pedido
from lib.resources import Resources
from lib.usecases import pedidos
from lib.usecases.pedidos import PedidoRecusadoError, PedidoVisto

T = TypeVar("T")

FLUXO: Final = "provisionar-chip/provisionar-chip"
OLHADA_S: Final = 0.5
EXECUCAO_S: Final = 2.0  # how often Prefect is asked after the run
REINICIO_S: Final = 60.0  # at most this long until a run that left the order is followed by another
ESPERA_S: Final = 2_000
EXEMPLOS_NOVO: Final = "Exemplos: agente chip novo --ddd 11 | agente chip novo --ddd 41 --seco | … --sem-esperar --json"
EXEMPLOS_PEDIDOS: Final = "Exemplos: agente chip pedidos | agente chip pedidos --todos --json"
EXEMPLOS_CONTINUAR: Final = "Exemplos: agente chip continuar 12 | agente chip continuar 12 --ativado"
EXEMPLOS_DESISTIR: Final = "Exemplo: agente chip desistir 12 --sim"

Json = Annotated[bool, typer.Option("--json", help="Saída em JSON, para programas.")]
Numero = Annotated[int, typer.Argument(metavar="PEDIDO", min=1, help="O número que `agente chip pedidos` mostra.")]
SemEsperar = Annotated[bool, typer.Option("--sem-esperar", help="Volta logo; o fluxo segue sozinho.")]
Espera = Annotated[int, typer.Option(min=1, help="Quantos segundos acompanhar.")]


@dataclass(slots=True)
class _Acompanha:
    """One order being watched: its runs, and what was said of it already."""

    resources: Resources
    pedido_id: int
    run_id: UUID | None = None
    proxima_em: float = 0.0
    pausa_s: float = 1.0
    comeco: float = field(default_factory=monotonic)
    dito: set[str] = field(default_factory=set)

    async def iniciar(self) -> None:
        """Start a run of the flow for this order.

        Raises:
            PrefectError: Prefect did not take it.
        """
        prefect = prefect_of(self.resources)
        deployment = await prefect.find_deployment(FLUXO)
        self.run_id = await start(prefect, deployment, {"pedido": self.pedido_id})
        self.proxima_em = monotonic() + EXECUCAO_S

    async def ate(self, espera_s: float) -> Pedido:
        """Watch until the order has ended, waits for a person, or the time is over."""
        while True:
            pedido = await pedidos.ver(self.resources, self.pedido_id)
            self.dizer(pedido)
            if pedido.etapa in FINAIS or pedido.parada_em is not None or monotonic() - self.comeco > espera_s:
                return pedido
            if monotonic() > self.proxima_em:
                await self._execucao()
            await asyncio.sleep(OLHADA_S)

    def dizer(self, pedido: Pedido) -> None:
        """Say once each step that is done and each thing that is waited for."""
        now = f"{monotonic() - self.comeco:5.1f} s"
        for text in (f"✔ {FEITO[pedido.etapa]}", f"  … {pedido.motivo}" if pedido.motivo else ""):
            if text and text not in self.dito:
                self.dito.add(text)
                typer.echo(f"{now}  {text}", err=True)

    async def _execucao(self) -> None:
        """Ask after the run; one that ended and left the order is followed by another, ever later."""
        self.proxima_em = monotonic() + EXECUCAO_S
        try:
            if self.run_id is None:
                await self.iniciar()
                return
            execucao = await prefect_of(self.resources).read_run(self.run_id)
        except PrefectError:
            return
        if execucao.terminou:
            text = f"  … a execução acabou ({execucao.state_name}): {execucao.message or 'sem mensagem'}"
            if text not in self.dito:
                self.dito.add(text)
                typer.echo(text, err=True)
            self.run_id = None
            self.proxima_em = monotonic() + self.pausa_s
            self.pausa_s = min(REINICIO_S, self.pausa_s * 2)


def recusavel(work: Callable[[Resources], Awaitable[T]]) -> T:
    """Run `work`; what cannot be done ends with its reason and exit code 1."""
    try:
        return with_resources(work)
    except PedidoRecusadoError as refused:
        typer.echo(f"erro: {refused}.", err=True)
        raise typer.Exit(1) from None


def novo(
    ddd: Annotated[int, typer.Option(min=11, max=99, help="DDD do número.")],
    *,
    seco: Annotated[bool, typer.Option("--seco", help="Só mostra o que seria feito; não compra nada.")] = False,
    sem_esperar: SemEsperar = False,
    espera: Espera = ESPERA_S,
    por: Por = None,
    em_json: Json = False,
) -> None:
    """Compra um número na Salvy, ativa-o no WhatsApp, cria a instância com o webhook e começa o aquecimento.

    O pedido fica guardado a cada passo e é levado pelo fluxo provisionar-chip. Sai com 0 só com o chip em aquecimento.
    """
    if seco:
        recusavel(lambda resources: pedidos.conferir(resources, ddd))
        _plano(ddd, em_json=em_json)
        return
    pedido_id = recusavel(lambda resources: pedidos.pedir(resources, ddd, quem(por)))
    typer.echo(f"Pedido {pedido_id}: um número do DDD {ddd}.", err=True)
    _levar(pedido_id, None if sem_esperar else espera, em_json=em_json)


def _plano(ddd: int, *, em_json: bool) -> None:
    steps = list(PROXIMO.values())
    if em_json:
        typer.echo(json.dumps({"ddd": ddd, "em_estoque": True, "custo": None, "passos": steps}, ensure_ascii=False))
        return
    typer.echo(f"DDD {ddd}: há número em estoque. Custo: desconhecido, a API da Salvy não o diz. Seria feito:")
    for number, step in enumerate(steps, 1):
        typer.echo(f"  {number}. {step}")


def pedidos_(
    *,
    todos: Annotated[bool, typer.Option("--todos", help="Também os prontos e os desistidos.")] = False,
    limite: Annotated[int, typer.Option(min=1, max=1_000, help="Quantos, no máximo.")] = 50,
    em_json: Json = False,
) -> None:
    """Lista os pedidos de número, com o passo em que estão e o que fazer com os que pararam."""
    found = recusavel(lambda resources: pedidos.listar(resources, todos=todos, limite=limite))
    if em_json:
        typer.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False, default=str))
        return
    if not found:
        typer.echo("Nenhum pedido aberto. Peça um número com `agente chip novo --ddd 11`.")
        return
    table = Table("Pedido", "DDD", "Chip", "Número", "Feito", "Desde", "Situação", header_style="bold", box=SIMPLE_HEAD)
    for column in table.columns[:4]:
        column.no_wrap = True
    for one in found:
        since = f"{one.mudado_em.astimezone(SAO_PAULO):%d/%m %H:%M}"
        done = FEITO[EtapaProvisao(one.etapa)]
        table.add_row(str(one.pedido), str(one.ddd), one.chip or "-", one.numero or "-", done, since, _situacao(one))
    Console().print(table)
    for one in found:
        if one.parado_em is not None:
            typer.echo(f"Pedido {one.pedido}: {o_que_fazer(EtapaProvisao(one.etapa), one.pedido)}.")


def _situacao(one: PedidoVisto) -> str:
    if one.etapa in FINAIS:
        return one.motivo or "terminado"
    if one.parado_em is not None:
        return f"parado: {one.motivo or 'sem motivo'}"
    return one.motivo or f"falta {PROXIMO[EtapaProvisao(one.etapa)]}"


def continuar(
    pedido: Numero,
    *,
    ativado: Annotated[
        bool, typer.Option("--ativado", help="O número já entrou no WhatsApp: não ativa de novo.")
    ] = False,
    sem_esperar: SemEsperar = False,
    espera: Espera = ESPERA_S,
    em_json: Json = False,
) -> None:
    """Continua um pedido de onde parou, com mais meia hora de prazo. Sai com 0 só com o chip em aquecimento."""
    etapa = recusavel(lambda resources: pedidos.retomar(resources, pedido, ativada=ativado))
    typer.echo(f"Pedido {pedido}: segue de «{FEITO[etapa]}».", err=True)
    _levar(pedido, None if sem_esperar else espera, em_json=em_json)


def desistir(
    pedido: Numero,
    *,
    sim: Annotated[bool, typer.Option("--sim", help="Confirma: o número é devolvido à Salvy.")] = False,
    por: Por = None,
    em_json: Json = False,
) -> None:
    """Desiste de um pedido: apaga a instância e devolve o número à Salvy, se nada o usa. Repetir não muda nada."""
    if not sim:
        typer.echo(f"erro: isto apaga {instancia_de(pedido)} e devolve o número; confirme com --sim.", err=True)
        raise typer.Exit(2)
    nova = recusavel(lambda resources: pedidos.desistir(resources, pedido, quem(por)))
    if em_json:
        typer.echo(json.dumps({"pedido": pedido, "desistido": True, "agora": nova}))
        return
    typer.echo(
        f"Pedido {pedido} encerrado; o número foi devolvido." if nova else f"O pedido {pedido} já era desistido."
    )


def _levar(pedido_id: int, espera_s: float | None, *, em_json: bool) -> None:
    """Start the flow for an order and watch it; exit 0 when its chip is in warm-up, or nobody wants to wait."""

    async def work(resources: Resources) -> tuple[Pedido, str | None, float]:
        watch = _Acompanha(resources, pedido_id)
        try:
            await watch.iniciar()
        except PrefectError as failure:
            kept = f"o pedido {pedido_id} ficou guardado; com o Prefect de pé: `agente chip continuar {pedido_id}`"
            raise PedidoRecusadoError(f"{failure}: {kept}") from None
        url = f"{(resources.settings.prefect_api_url or '').removesuffix('/api')}/runs/flow-run/{watch.run_id}"
        typer.echo(f"provisionar-chip: {url}", err=True)
        pedido = await (pedidos.ver(resources, pedido_id) if espera_s is None else watch.ate(espera_s))
        return pedido, url, monotonic() - watch.comeco

    pedido, url, seconds = recusavel(work)
    if em_json:
        typer.echo(json.dumps(_dados(pedido, url, seconds), ensure_ascii=False))
    else:
        _dizer_fim(pedido, esperou=espera_s is not None)
    raise typer.Exit(0 if pedido.etapa is EtapaProvisao.PRONTA or espera_s is None else 1)


def _dados(pedido: Pedido, url: str | None, seconds: float) -> dict[str, Any]:
    return {
        "pedido": pedido.id,
        "etapa": pedido.etapa.value,
        "chip": pedido.instancia,
        "numero": mascarar(pedido.telefone) if pedido.telefone else None,
        "parado": pedido.parada_em is not None,
        "motivo": pedido.motivo,
        "execucao": url,
        "segundos": round(seconds, 1),
    }


def _dizer_fim(pedido: Pedido, *, esperou: bool) -> None:
    if pedido.etapa is EtapaProvisao.PRONTA:
        typer.echo(f"{pedido.instancia}: {mascarar(pedido.telefone or '')}, em aquecimento, fase repouso.")
    elif pedido.etapa is EtapaProvisao.DESISTIDA:
        typer.echo(f"O pedido {pedido.id} foi desistido.")
    elif pedido.parada_em is not None:
        typer.echo(f"erro: parou: {pedido.motivo}. O que fazer: {o_que_fazer(pedido.etapa, pedido.id)}.", err=True)
    else:
        text = f"O pedido {pedido.id} segue sozinho; veja `agente chip pedidos`."
        typer.echo(f"{text} Falta {PROXIMO[pedido.etapa]}." if esperou else text)
