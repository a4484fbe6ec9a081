import json
from dataclasses import fields, replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.gatilhos import Classe
from lib.domain.mensagem_longa import CORTADA_MAX
from lib.domain.optout import Parada
from lib.domain.sinais import Regra, Sinais, Veredito, como_json, de_json, veredito

TUDO = Sinais(
    opted_out=True,
    humano=True,
    paradas=(Parada.EXPLICITA, Parada.INCERTA),
    gatilho=Classe.PESSOA,
    esquecer=True,
    robo=True,
    midias=("audio",),
    midia_para_pessoa=True,
    tamanho=CORTADA_MAX + 1,
)
sinais = st.builds(
    Sinais,
    opted_out=st.booleans(),
    humano=st.booleans(),
    paradas=st.lists(st.sampled_from(Parada), max_size=3).map(tuple),
    parada_perguntada=st.booleans(),
    parada_confirmada=st.booleans(),
    gatilho=st.none() | st.sampled_from(Classe),
    esquecer=st.booleans(),
    robo=st.booleans(),
    resto=st.booleans(),
    midias=st.lists(st.sampled_from(["audio", "imagem"]), max_size=2).map(tuple),
    legendas=st.lists(st.just("imagem"), max_size=1).map(tuple),
    midia_para_pessoa=st.booleans(),
    tamanho=st.integers(0, 20_000),
)


def decidida(sinais: Sinais) -> Regra | None:
    found = veredito(sinais)
    return found.regra if found else None


def test_the_rules_are_asked_in_their_order() -> None:
    """Each switched off in turn, the next one settles the turn."""
    off: list[dict[str, object]] = [
        {"opted_out": False},
        {"paradas": (Parada.INCERTA,)},
        {"humano": False},
        {"gatilho": None},
        {"paradas": ()},
        {"midia_para_pessoa": False},
        {"tamanho": 10},
        {"midias": ()},
        {"robo": False},
        {"esquecer": False},
    ]
    seen, now = [decidida(TUDO)], TUDO
    for change in off:
        now = replace(now, **change)  # type: ignore[arg-type]  # each names a field and a value of its type
        seen.append(decidida(now))
    assert seen == list(Regra)
    assert decidida(replace(now, resto=True)) is None


def test_an_opted_out_doctor_is_met_with_silence_whatever_comes() -> None:
    for humano, confirmada, gatilho in product((True, False), (True, False), (None, *Classe)):
        told = replace(TUDO, humano=humano, parada_confirmada=confirmada, gatilho=gatilho)
        assert decidida(told) is Regra.OPTED_OUT


def test_a_stop_wins_under_human_control_too() -> None:
    assert decidida(Sinais(humano=True, paradas=(Parada.EXPLICITA,))) is Regra.OPTOUT


def test_an_unclear_stop_is_asked_back_once() -> None:
    unclear = Sinais(paradas=(Parada.INCERTA,), resto=True)
    assert decidida(unclear) is Regra.PARADA_INCERTA
    assert decidida(replace(unclear, parada_perguntada=True)) is None
    assert veredito(replace(unclear, parada_perguntada=True, parada_confirmada=True)) == Veredito(
        Regra.OPTOUT, "confirmou que quer parar, quando perguntado"
    )


def test_a_file_beside_words_is_left_to_the_model_unless_a_person_is_to_see_it() -> None:
    beside = Sinais(midias=("audio",), resto=True)
    assert decidida(beside) is None
    assert decidida(replace(beside, midia_para_pessoa=True)) is Regra.MIDIA_PESSOA


@pytest.mark.parametrize(("tamanho", "regra"), [(CORTADA_MAX, None), (CORTADA_MAX + 1, Regra.MENSAGEM_LONGA)])
def test_a_summary_is_asked_for_above_the_bound(tamanho: int, regra: Regra | None) -> None:
    assert decidida(Sinais(resto=True, tamanho=tamanho)) is regra


@given(sinais)
def test_the_same_verdict_follows_from_what_is_stored(visto: Sinais) -> None:
    stored = json.loads(json.dumps(como_json(visto)))
    assert de_json(stored) == visto
    assert veredito(de_json(stored)) == veredito(visto)


@given(sinais)
def test_a_verdict_has_a_reason_and_without_one_words_remain(visto: Sinais) -> None:
    found = veredito(visto)
    assert found.motivo if found else visto.resto


def test_nothing_of_the_doctors_words_can_be_stored() -> None:
    kinds = {campo.name: str(campo.type) for campo in fields(Sinais)}
    assert {name for name, kind in kinds.items() if "str" in kind} == {"midias", "legendas"}


def test_a_reason_names_files_as_people_call_them() -> None:
    decidido = veredito(Sinais(midias=("audio", "video"), midia_para_pessoa=True))
    assert decidido is not None
    assert decidido.motivo == "arquivo sem palavras (áudio, vídeo): a diretriz manda para uma pessoa"
