"""Where each kind of message goes on arrival, and what is kept of what it carries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.mensagem import (
    DE_ARQUIVO,
    DE_ESCOLHA,
    TARDIA,
    Anuncio,
    Destino,
    Detalhes,
    MensagemRecebida,
    Midia,
    conteudo,
    tratamento,
)

NOVA = timedelta(seconds=1)
VELHA = TARDIA + timedelta(seconds=1)


def mensagem(midia: Midia = Midia.TEXTO, texto: str | None = "oi", tipo: str | None = None) -> MensagemRecebida:
    return MensagemRecebida(
        "M", midia, telefone="+5511900000001", texto=texto, alvo_msg_id="A", detalhes=Detalhes(tipo_original=tipo)
    )


@pytest.mark.parametrize("midia", [m for m in Midia if m not in {
    Midia.REACAO, Midia.FIGURINHA, Midia.EDICAO, Midia.APAGAMENTO, Midia.LIGACAO, Midia.DESCONHECIDA}])  # fmt: skip
def test_what_has_words_wakes_a_turn_and_is_too_old_after_ten_minutes(midia: Midia) -> None:
    assert tratamento(mensagem(midia), NOVA).destino is Destino.TURNO
    assert tratamento(mensagem(midia), TARDIA).destino is Destino.TURNO
    assert tratamento(mensagem(midia), None).desfecho is None
    assert tratamento(mensagem(midia), VELHA).desfecho == "sem_resposta: chegou com mais de 10 minutos"


@pytest.mark.parametrize("midia", sorted(DE_ARQUIVO))
def test_media_without_words_wake_a_turn_too(midia: Midia) -> None:
    assert tratamento(mensagem(midia, None), NOVA).destino is Destino.TURNO


@pytest.mark.parametrize(
    ("dita", "desfecho"),
    [
        (mensagem(Midia.REACAO, "👍"), "silencio: reação 👍"),
        (mensagem(Midia.REACAO, None), "silencio: reação retirada"),
        (mensagem(Midia.FIGURINHA, None), "silencio: figurinha"),
        (mensagem(Midia.LIGACAO, None), "silencio: ligação"),
        (mensagem(Midia.VOTO, None), "silencio: voto retirado"),
        (mensagem(Midia.EDICAO, "domingo"), "silencio: edição de mensagem que ainda não chegou"),
        (mensagem(Midia.EDICAO, None), "silencio: edição sem texto legível"),
        (mensagem(Midia.APAGAMENTO, None), "silencio: apagamento de mensagem que ainda não chegou"),
        (mensagem(Midia.TEXTO, None), "sem_resposta: mensagem sem texto"),
        (mensagem(Midia.BOTAO, None), "sem_resposta: mensagem sem texto"),
        (
            mensagem(Midia.DESCONHECIDA, None, tipo="xyzMessage"),
            "sem_resposta: tipo de mensagem não reconhecido (xyzMessage)",
        ),
        (mensagem(Midia.DESCONHECIDA, None), "sem_resposta: tipo de mensagem não reconhecido"),
    ],
)
def test_what_wakes_nobody_says_why_however_old_it_is(dita: MensagemRecebida, desfecho: str) -> None:
    for idade in (NOVA, VELHA, None):
        assert tratamento(dita, idade).desfecho == desfecho


@given(st.sampled_from(Midia), st.sampled_from(["SAIR", "Para de me mandar mensagem", "me descadastrar"]))
def test_a_stop_is_never_late_never_silent_and_never_waits(midia: Midia, texto: str) -> None:
    for idade in (NOVA, timedelta(days=30), None):
        found = tratamento(mensagem(midia, texto), idade)
        assert (found.destino, found.desfecho, found.imediato, found.parada) == (Destino.TURNO, None, True, True)


@pytest.mark.parametrize("midia", sorted(Midia))
def test_only_a_choice_or_a_stop_is_due_at_once(midia: Midia) -> None:
    assert tratamento(mensagem(midia), NOVA).imediato == (midia in DE_ESCOLHA)
    assert not tratamento(mensagem(midia), NOVA).parada


@given(st.sampled_from(Midia), st.none() | st.text(max_size=40), st.none() | st.timedeltas())
def test_every_message_has_exactly_one_destination_and_its_reason(
    midia: Midia, texto: str | None, idade: timedelta | None
) -> None:
    found = tratamento(mensagem(midia, texto), idade)
    assert (found.desfecho or "turno").split(":")[0] == found.destino


def test_known_details_are_kept_by_name_and_unknown_ones_not_at_all() -> None:
    assert conteudo(Detalhes()) is None
    assert conteudo(
        Detalhes(segundos=0, latitude=0.0, votos=("a",), temporaria=True, anuncio=Anuncio(site="x.test"))
    ) == {
        "segundos": 0,
        "latitude": 0.0,
        "votos": ["a"],
        "temporaria": True,
        "anuncio": {"site": "x.test"},
    }
    assert conteudo(Detalhes(anuncio=Anuncio())) is None
