"""Histories as rows of `conversa`, `interacao`, `outbox` and `doctor_state`, numbered as they come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from hashlib import sha256
from operator import attrgetter
from random import Random
from typing import Any, NamedTuple

from lib.domain.cadencia import Estagio
from lib.domain.chip import TipoEnvio
from lib.domain.estado import DoctorState
from lib.domain.guardrails import CAP_JANELA
from lib.models.conversa import Autor, Controle, Direcao, Entrega, StatusConversa
from lib.models.fila import OutboxState
from lib.seed.conversas import Final, Historia, Mensagem
from lib.seed.pessoas import Identidade, LinhaMedico

_LEVA = timedelta(seconds=3)
_FALHA_ANTES = timedelta(seconds=75)
_MOTIVO_FALHA = "evolution 500: Connection Closed"
_ENTREGUES = (Entrega.LIDA, Entrega.ENTREGUE)
_PARADAS = (Entrega.ENVIADA, Entrega.FALHOU)
_ESTADO = tuple(campo.name for campo in fields(DoctorState))
_valores = attrgetter(*_ESTADO)
COLUNAS_ESTADO = ("medico_id", *_ESTADO, "parada_perguntada_em")


class LinhaConversa(NamedTuple):
    """One row of `conversa`."""

    id: int
    medico_id: int
    chip_id: int
    status: StatusConversa
    controle: Controle
    estagio: Estagio
    pausada_ate: datetime | None
    ultima_entrada_em: datetime | None
    ultima_saida_em: datetime | None
    encerrada_em: datetime | None
    criada_em: datetime


class LinhaInteracao(NamedTuple):
    """One row of `interacao`."""

    id: int
    conversation_id: int
    medico_id: int
    chip_id: int
    outbox_id: int | None
    direcao: Direcao
    autor: Autor
    proativa: bool
    texto: str
    provider_msg_id: str
    entrega: Entrega | None
    em: datetime


class LinhaOutbox(NamedTuple):
    """One row of `outbox`: a message of the last days, sent, or failed once before it was."""

    id: int
    conversation_id: int
    medico_id: int
    cause: str
    body: str
    body_hash: bytes
    tipo: TipoEnvio
    estagio_apos: Estagio | None
    proativa: bool
    state: OutboxState
    motivo: str | None
    attempts: int
    next_at: datetime
    chip_id: int
    provider_msg_id: str | None
    criada_em: datetime
    enviando_em: datetime | None
    enviada_em: datetime | None
    falhou_em: datetime | None


@dataclass(slots=True)
class Lote:
    """Rows of some doctors, ready to be copied in the order of their foreign keys, then forgotten."""

    medicos: list[LinhaMedico] = field(default_factory=list)
    estados: list[tuple[Any, ...]] = field(default_factory=list)
    conversas: list[LinhaConversa] = field(default_factory=list)
    outbox: list[LinhaOutbox] = field(default_factory=list)
    interacoes: list[LinhaInteracao] = field(default_factory=list)

    @property
    def tamanho(self) -> int:
        """How many rows wait."""
        return len(self.medicos) + len(self.interacoes)


class Registro:
    """Turns histories into rows. Ids grow in the order of the calls; `lote` holds what nobody took yet."""

    def __init__(self, rng: Random, agora: datetime) -> None:
        self._rng = rng
        self._agora = agora
        self._corte = agora - CAP_JANELA
        self._conversa = self._interacao = self._outbox = 0
        self.lote = Lote()

    def tirar(self) -> Lote:
        """Hand over the waiting rows."""
        lote, self.lote = self.lote, Lote()
        return lote

    def medico(self, quem: Identidade, historias: Sequence[Historia], final: Final) -> None:
        """Add a doctor with all that was said and where it led."""
        desde = historias[0].mensagens[0].em if historias else self._agora
        self.lote.medicos.append(quem.linha(desde - timedelta(days=self._rng.randrange(1, 60))))
        self.lote.estados.append((quem.id, *_valores(final.estado), final.parada_perguntada_em))
        for historia in historias:
            self._historia(quem.id, historia)

    def _historia(self, medico_id: int, historia: Historia) -> None:
        self._conversa += 1
        entradas = [m.em for m in historia.mensagens if m.autor is Autor.MEDICO]
        saidas = [m.em for m in historia.mensagens if m.autor is not Autor.MEDICO]
        ultima_entrada = entradas[-1] if entradas else None
        self.lote.conversas.append(
            LinhaConversa(
                self._conversa,
                medico_id,
                historia.chip.id,
                historia.cenario.status,
                historia.cenario.controle,
                historia.cenario.estagio,
                historia.pausada_ate,
                ultima_entrada,
                saidas[-1] if saidas else None,
                historia.encerrada_em,
                historia.mensagens[0].em,
            )
        )
        for mensagem in historia.mensagens:
            self._mensagem(medico_id, historia, mensagem, ultima_entrada)

    def _mensagem(
        self, medico_id: int, historia: Historia, mensagem: Mensagem, ultima_entrada: datetime | None
    ) -> None:
        self._interacao += 1
        nossa = mensagem.autor is not Autor.MEDICO
        id_no_gateway = f"3EB0{self._interacao:016X}"
        outbox_id = None
        if mensagem.tipo is not None and mensagem.em > self._corte:
            outbox_id = self._envio(medico_id, historia, mensagem, mensagem.tipo, id_no_gateway)
        self.lote.interacoes.append(
            LinhaInteracao(
                self._interacao,
                self._conversa,
                medico_id,
                historia.chip.id,
                outbox_id,
                Direcao.SAIDA if nossa else Direcao.ENTRADA,
                mensagem.autor,
                mensagem.proativa,
                mensagem.texto,
                id_no_gateway,
                self._entrega(historia, mensagem, ultima_entrada) if nossa else None,
                mensagem.em,
            )
        )

    def _entrega(self, historia: Historia, mensagem: Mensagem, ultima_entrada: datetime | None) -> Entrega:
        """Who answered later has read it; else the chip's own delivery decides."""
        if ultima_entrada is not None and ultima_entrada > mensagem.em:
            return Entrega.LIDA
        chegou = self._rng.random() < historia.chip.perfil.entrega
        return self._rng.choice(_ENTREGUES if chegou else _PARADAS)

    def _envio(
        self, medico_id: int, historia: Historia, mensagem: Mensagem, tipo: TipoEnvio, id_no_gateway: str
    ) -> int:
        if self._rng.random() < historia.chip.perfil.erros:
            self._linha_outbox(medico_id, historia, mensagem, tipo, None)
        return self._linha_outbox(medico_id, historia, mensagem, tipo, id_no_gateway)

    def _linha_outbox(
        self, medico_id: int, historia: Historia, mensagem: Mensagem, tipo: TipoEnvio, id_no_gateway: str | None
    ) -> int:
        """Add the accepted send, or without an id the refused one that came before it."""
        self._outbox += 1
        foi = id_no_gateway is not None
        enviando = mensagem.em - _LEVA if foi else mensagem.em - _FALHA_ANTES
        self.lote.outbox.append(
            LinhaOutbox(
                id=self._outbox,
                conversation_id=self._conversa,
                medico_id=medico_id,
                cause=f"seed:{self._outbox}",
                body=mensagem.texto,
                body_hash=sha256(mensagem.texto.encode()).digest(),
                tipo=tipo,
                estagio_apos=mensagem.estagio_apos,
                proativa=mensagem.proativa,
                state=OutboxState.SENT if foi else OutboxState.DEAD,
                motivo=None if foi else _MOTIVO_FALHA,
                attempts=1,
                next_at=enviando,
                chip_id=historia.chip.id,
                provider_msg_id=id_no_gateway,
                criada_em=enviando - _LEVA,
                enviando_em=enviando,
                enviada_em=mensagem.em if foi else None,
                falhou_em=None if foi else enviando + _LEVA,
            )
        )
        return self._outbox
