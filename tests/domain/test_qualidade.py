import pytest

from lib.domain.qualidade import Avaliacao, evidencia_valida

MENSAGENS = ["Oi, Dra. Ana! Tem plantão de UTI na quinta.", "Qual o valor?", "São R$ 1.800,00."]


def nota(**campos: object) -> Avaliacao:
    base: dict[str, object] = {"naturalidade": 8, "persona": 8, "objetivo": 7, "satisfacao": 9, "geral": 8}
    return Avaliacao(**(base | campos))  # type: ignore[arg-type] # the fields of the judgement


@pytest.mark.parametrize("valor", [0, 11, -1, 7.5, True, None, "8"])
def test_a_mark_outside_1_to_10_is_refused_with_its_name(valor: object) -> None:
    with pytest.raises(ValueError, match="persona"):
        nota(persona=valor)


def test_seven_satisfies() -> None:
    assert nota(geral=7).satisfatoria
    assert not nota(geral=6).satisfatoria


@pytest.mark.parametrize(
    ("evidencia", "valida"),
    [
        (("Tem plantão de UTI",), True),
        (("tem plantao de uti na quinta", "qual o valor"), True),
        (("  Qual   o\nvalor?",), True),
        (("R$ 1.800,00",), True),
        ((), False),
        (("",), False),
        (("?!",), False),
        (("plantão de pediatria",), False),
        (("Qual o valor?", "São R$ 2.000,00"), False),
        (("na quinta qual o valor",), False),
        (("tem plant",), False),
    ],
)
def test_evidence_must_stand_in_one_message(evidencia: tuple[str, ...], *, valida: bool) -> None:
    assert evidencia_valida(nota(evidencia=evidencia), MENSAGENS) is valida


def test_evidence_needs_a_transcript() -> None:
    assert not evidencia_valida(nota(evidencia=("oi",)), [])
