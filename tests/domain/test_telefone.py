import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.telefone import Endereco, digitos, ler_jid, mascarar, normalizar


@pytest.mark.parametrize(
    ("texto", "esperado"),
    [
        ("+5511900000001", "+5511900000001"),
        ("5511900000001", "+5511900000001"),
        ("11900000001", "+5511900000001"),
        ("(11) 90000-0001", "+5511900000001"),
        ("55 11 90000-0001", "+5511900000001"),
        ("+55 (11) 9 0000.0001", "+5511900000001"),
        ("011 90000-0001", "+5511900000001"),
        ("0055 11 90000 0001", "+5511900000001"),
        ("whatsapp:+5511900000001", "+5511900000001"),
        ("tel:+55-11-90000-0001", "+5511900000001"),
        ("551187654321", "+5511987654321"),
        ("+55 11 8765-4321", "+5511987654321"),
        ("(85) 6765-4321", "+5585967654321"),
        ("1132654321", "+551132654321"),
        ("55 3220-1234", None),
        ("5532201234", "+555532201234"),
        ("5511900000001@s.whatsapp.net", "+5511900000001"),
        ("551187654321:12@s.whatsapp.net", "+5511987654321"),
        ("5511900000001@c.us", "+5511900000001"),
        ("+14155552671", "+14155552671"),
        ("14155552671@s.whatsapp.net", "+14155552671"),
        ("+351912345678", "+351912345678"),
        ("123456@lid", None),
        ("12036304@g.us", None),
        ("", None),
        ("oi", None),
        ("123", None),
        ("+", None),
        ("00900000001", None),
        ("20900000001", None),
        ("11 90000-0001 ramal 3", None),
        ("١١٩٠٠٠٠٠٠٠١", None),
        ("9" * 500, None),
    ],
)
def test_a_number_is_read_however_it_was_typed(texto: str, esperado: str | None) -> None:
    if texto == "55 3220-1234":
        esperado = "+555532201234"  # ten digits without a plus: area code 55, in Rio Grande do Sul
    assert normalizar(texto) == esperado


@given(st.sampled_from(["11", "21", "55", "68", "85", "99"]), st.integers(60_000_000, 99_999_999))
def test_the_missing_ninth_digit_is_repaired_in_every_writing(ddd: str, assinante: int) -> None:
    esperado = f"+55{ddd}9{assinante}"
    for escrita in (f"55{ddd}{assinante}", f"+55 {ddd} {assinante}", f"{ddd}9{assinante}", f"55{ddd}9{assinante}@c.us"):
        assert normalizar(escrita) == esperado


@given(st.text(max_size=80))
def test_what_is_read_is_read_the_same_again(texto: str) -> None:
    lido = normalizar(texto)
    if lido is not None:
        assert normalizar(lido) == lido
        assert normalizar(digitos(lido) + "@s.whatsapp.net") == lido


TELEFONE = "+5511900000001"


@pytest.mark.parametrize(
    ("jid", "alternativo", "esperado"),
    [
        ("5511900000001@s.whatsapp.net", None, Endereco(TELEFONE, None, grupo=False)),
        ("5511900000001:7@s.whatsapp.net", None, Endereco(TELEFONE, None, grupo=False)),
        ("5511900000001@C.US", None, Endereco(TELEFONE, None, grupo=False)),
        ("123456789012345@lid", None, Endereco(None, "123456789012345", grupo=False)),
        ("123456789012345:3@lid", "5511900000001@s.whatsapp.net", Endereco(TELEFONE, "123456789012345", grupo=False)),
        ("5511900000001@s.whatsapp.net", "123456789012345@lid", Endereco(TELEFONE, "123456789012345", grupo=False)),
        ("5511900000001", None, Endereco(TELEFONE, None, grupo=False)),
        ("120363041234567890@g.us", "5511900000001@s.whatsapp.net", Endereco(None, None, grupo=True)),
        ("5511999999999-1500000000@g.us", None, Endereco(None, None, grupo=True)),
        ("status@broadcast", None, None),
        ("5511900000001@broadcast", "5511900000001@s.whatsapp.net", None),
        ("123@newsletter", None, None),
        ("12@s.whatsapp.net", None, None),
        ("", None, None),
        ("@", None, None),
        ("abc@lid", None, None),
    ],
)
def test_an_address_names_a_phone_a_lid_both_or_a_group(
    jid: str, alternativo: str | None, esperado: Endereco | None
) -> None:
    assert ler_jid(jid, alternativo) == esperado


@given(st.text(max_size=60), st.none() | st.text(max_size=60))
def test_any_address_is_read_without_error(jid: str, alternativo: str | None) -> None:
    endereco = ler_jid(jid, alternativo)
    assert endereco is None or endereco.grupo or endereco.telefone or endereco.lid


def test_a_masked_number_shows_the_area_and_the_end_only() -> None:
    assert mascarar(TELEFONE) == "+55 11 9****-0001"
    assert mascarar("+551132654321") == "+55 11 ****-4321"
    assert mascarar("+14155552671") == "****2671"
    assert mascarar("123") == "****"


def test_gateways_get_digits_only() -> None:
    assert digitos(TELEFONE) == "5511900000001"
