"""What a model call costs, in millionths of a US dollar (decision D21)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Preco:
    """Nano-dollars per token, which is thousandths of a US dollar per million tokens."""

    entrada: int
    saida: int

    @property
    def cache_escrita(self) -> int:
        """A prefix kept for five minutes: a quarter more than reading it plainly."""
        return self.entrada * 5 // 4

    @property
    def cache_leitura(self) -> int:
        """A prefix read back: a tenth."""
        return self.entrada // 10


PRECOS: Mapping[str, Preco] = MappingProxyType(
    {
        "claude-haiku-5-5": Preco(100, 500),
        "claude-sonnet-5-5": Preco(2_000, 10_000),
        "claude-opus-5-5": Preco(4_000, 20_000),
        "claude-fable-5-1": Preco(10_000, 50_000),
        "claude-sonnet-5": Preco(2_000, 10_000),
        "claude-opus-5": Preco(5_000, 25_000),
        "claude-opus-4-8": Preco(5_000, 25_000),
        "claude-sonnet-4-6": Preco(3_000, 15_000),
        "claude-haiku-4-5": Preco(1_000, 5_000),
    }
)
LONGO = 100_000
# Of a call whose whole input is longer than `LONGO` tokens.
PRECOS_LONGOS: Mapping[str, Preco] = MappingProxyType({"claude-haiku-5-5": Preco(500, 2_500)})
_DATA = re.compile(r"-\d{8}$")


def custo_micro_usd(modelo: str, entrada: int, saida: int, cache_escrita: int, cache_leitura: int) -> int | None:
    """Cost of a call from its token counts, rounded half up; None when the model's price is not known.

    `modelo` may carry its release date (`-20261001`). `entrada` excludes the cached tokens, as the API counts them.

    Raises:
        ValueError: a count is negative.
    """
    contagens = (entrada, saida, cache_escrita, cache_leitura)
    if min(contagens) < 0:
        raise ValueError(f"token counts must not be negative, got {contagens}")
    nome = _DATA.sub("", modelo)
    preco = PRECOS.get(nome)
    if entrada + cache_escrita + cache_leitura > LONGO:
        preco = PRECOS_LONGOS.get(nome, preco)
    if preco is None:
        return None
    unidades = (preco.entrada, preco.saida, preco.cache_escrita, preco.cache_leitura)
    nano = sum(unidade * tokens for unidade, tokens in zip(unidades, contagens, strict=True))
    return (nano + 500) // 1000
