"""The history of one doctor: conversations from the last one backwards, then the state that these messages lead to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from random import Random
from typing import NamedTuple

from lib.domain.cadencia import PAUSA, Estagio, Passo, texto
from lib.domain.chip import TipoEnvio
from lib.domain.estado import (
    CHURN_DIAS,
    Ator,
    Churn,
    Decaimento,
    DoctorState,
    Entrada,
    OptOut,
    Permissao,
    Saida,
    apply,
)
from lib.domain.horario import FECHA, fuso, janela_proativa
from lib.domain.objecao import Objecao, detectar
from lib.domain.optout import Parada, classificar_parada
from lib.models.conversa import Autor
from lib.seed import nomes
from lib.seed.chips import Escolha, Numero
from lib.seed.pessoas import Identidade
from lib.seed.roteiros import ANTERIORES, Cenario, Fala

_DE_DIA = 0.85
# The daily cooling saw a doctor in the last hours, some days ago, or not since the doctor last wrote.
_DECAIMENTO = (45, 35, 20)
_DECAIMENTO_ATRASO_DIAS = 12
_CHURN_FEITO = 0.4
_ATOR = {Autor.JULIA: Ator.JULIA, Autor.HUMANO: Ator.HUMANO}


class Mensagem(NamedTuple):
    """One message; `tipo` is None for the doctor's and for those a person typed."""

    em: datetime
    autor: Autor
    texto: str
    tipo: TipoEnvio | None
    estagio_apos: Estagio | None
    proativa: bool


@dataclass(frozen=True, slots=True)
class Historia:
    """One conversation as it was."""

    cenario: Cenario
    chip: Numero
    mensagens: tuple[Mensagem, ...]
    encerrada_em: datetime | None

    @property
    def pausada_ate(self) -> datetime | None:
        """After the last step of the cadence it rests (decision D7)."""
        esgotada = self.cenario.aberta and self.cenario.estagio is Estagio.NAO_RESPONDEU
        return self.mensagens[-1].em + PAUSA if esgotada else None


@dataclass(frozen=True, slots=True)
class Final:
    """Where a doctor stands, `parada_perguntada_em` as stored beside the state."""

    estado: DoctorState
    parada_perguntada_em: datetime | None


@lru_cache(maxsize=256)
def _lida(dita: str) -> tuple[Objecao | None, Parada]:
    """What the rules make of a doctor's sentence; the seed's sentences are few."""
    return detectar(dita), classificar_parada(dita)


def recuar(em: datetime, uf: str, rng: Random) -> datetime:
    """Last allowed instant for writing first (decision D8) at or before `em`, at some minute of that working day."""
    zona = fuso(uf)
    while not janela_proativa(em, uf):
        local = em.astimezone(zona)
        dia = local.date() if local.time() >= FECHA else local.date() - timedelta(days=1)
        em = datetime.combine(dia, time(rng.randrange(9, 19), rng.randrange(60)), tzinfo=zona).astimezone(UTC)
    return em


class Autora:
    """Writes the histories of doctors in turn; the same numbers for the same seed and hour."""

    def __init__(self, rng: Random, agora: datetime, chips: Escolha, hospitais: Sequence[str]) -> None:
        self._rng = rng
        self._agora = agora
        self._chips = chips
        self._hospitais = hospitais

    def historias(self, quem: Identidade, quantas: int, ultimo: Cenario) -> list[Historia]:
        """Return `quantas` conversations in the order they happened, the last one standing as `ultimo` says."""
        rng, feitas = self._rng, list[Historia]()
        limite = self._agora
        fim = self._agora - timedelta(hours=rng.uniform(ultimo.de_h, ultimo.ate_h))
        cenario = ultimo
        for restantes in range(quantas - 1, -1, -1):
            feitas.append(self._historia(quem, cenario, fim, limite, reabre=restantes > 0))
            limite = feitas[-1].mensagens[0].em
            fim = limite - timedelta(days=rng.uniform(4, 28))
            cenario = rng.choice(ANTERIORES)
        feitas.reverse()
        return feitas

    def _historia(
        self, quem: Identidade, cenario: Cenario, fim: datetime, limite: datetime, *, reabre: bool
    ) -> Historia:
        rng = self._rng
        falas = cenario.roteiro(rng, reabre)
        em = recuar(fim, quem.uf, rng) if rng.random() < _DE_DIA else fim
        assunto = self._assunto(quem)
        mensagens: list[Mensagem] = []
        for fala in reversed(falas):
            if fala.proativa:
                em = recuar(em, quem.uf, rng)
            dita = self._texto(fala, quem, assunto)
            mensagens.append(Mensagem(em, fala.autor, dita, fala.tipo, fala.estagio_apos, fala.proativa))
            em -= timedelta(seconds=rng.choice(fala.esperas_s))
        mensagens.reverse()
        ultima = mensagens[-1].em
        chip = self._chips.para(rng, mensagens[0].em, ultima, aberta=cenario.aberta)
        encerrada = None if cenario.aberta else min(limite, ultima + timedelta(hours=rng.uniform(1, 60)))
        return Historia(cenario, chip, tuple(mensagens), encerrada)

    def _assunto(self, quem: Identidade) -> dict[str, str]:
        rng = self._rng
        return {
            "nome": quem.primeiro_nome,
            "hospital": rng.choice(self._hospitais),
            "esp": nomes.ESPECIALIDADES[quem.especialidade_id - 1],
            "dia": rng.choice(nomes.DIAS),
            "valor": f"R$ 1.{rng.randrange(1, 10)}{rng.choice('05')}0,00",
        }

    def _texto(self, fala: Fala, quem: Identidade, assunto: dict[str, str]) -> str:
        if isinstance(fala.textos, Passo):
            vaga = "{esp} no {hospital}, {dia}".format_map(assunto)
            return texto(fala.textos, quem.primeiro_nome, self._rng.randrange(3), vaga)
        variante = self._rng.choice(fala.textos)
        return variante if fala.autor is Autor.MEDICO else variante.format_map(assunto)

    def final(self, historias: Sequence[Historia]) -> Final:
        """Fold the messages into a state (decision D12); cooling, cool-off and churn may be some days behind."""
        estado, pergunta, incerta = DoctorState(), None, False
        for mensagem in (m for historia in historias for m in historia.mensagens):
            if mensagem.autor is Autor.MEDICO:
                objecao, parada = _lida(mensagem.texto)
                # As if the cooling had run every night: what was owed before the message is charged before it.
                estado = apply(apply(estado, Decaimento(mensagem.em)), Entrada(mensagem.em, objecao))
                if parada is Parada.EXPLICITA:
                    estado = apply(estado, OptOut(mensagem.em))
                pergunta, incerta = None, parada is Parada.INCERTA
            else:
                estado = apply(estado, Saida(mensagem.em, _ATOR[mensagem.autor]))
                pergunta, incerta = (mensagem.em if incerta else pergunta), False
        return Final(self._vivida(estado, historias[-1].cenario if historias else None), pergunta)

    def _vivida(self, estado: DoctorState, ultimo: Cenario | None) -> DoctorState:
        """Add what no message says: stages, an agreed date, and flows that ran some days ago or never."""
        rng, agora = self._rng, self._agora
        if ultimo is None or estado.permissao is Permissao.OPTED_OUT:
            return estado
        estado = replace(
            estado,
            ciclo=ultimo.ciclo or estado.ciclo,
            proximo_contato_em=agora + timedelta(days=ultimo.volta_dias) if ultimo.volta_dias else None,
        )
        atrasos = timedelta(hours=rng.randrange(20)), timedelta(days=rng.randrange(1, _DECAIMENTO_ATRASO_DIAS)), None
        atraso = rng.choices(atrasos, weights=_DECAIMENTO)[0]
        ouvido = estado.ultima_entrada_em
        if atraso is None or ouvido is None or agora - atraso <= ouvido:
            return estado
        visto = agora - atraso
        estado = apply(estado, Decaimento(visto))
        calado = (agora - ouvido).days > CHURN_DIAS
        return apply(estado, Churn(visto)) if calado and rng.random() < _CHURN_FEITO else estado
