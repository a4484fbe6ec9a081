"""The benchmark's figures as tables, beside what is wanted of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table

VAZAO_ALVO, SOBRECARGA_ALVO_MS, RECIBO_ALVO = 60.0, 25.0, 3.0


def tabelas(medido: Mapping[str, Any]) -> list[Table]:
    """Return the figures as tables."""
    vazao, sobrecarga, recibo = medido["vazao"], medido["sobrecarga"], medido["recibo"]
    custo = Table("processo", "CPU por mensagem (ms)", title="Custo por mensagem")
    for name, value in vazao["cpu_ms"].items():
        custo.add_row(name, f"{value:.1f}")
    custo.add_row("transações no Postgres por mensagem", f"{vazao['transacoes']:.1f}")
    geral = Table("medida", "alvo", "medido", title=f"Caminho quente, {vazao['mensagens']} mensagens")
    geral.add_row("mensagens por segundo, até `sent`", f"≥ {VAZAO_ALVO:.0f}", f"{vazao['por_segundo']:.1f}")
    geral.add_row(
        "nosso tempo por mensagem, p50 (ms), uma por vez",
        f"≤ {SOBRECARGA_ALVO_MS:.0f}",
        f"{sobrecarga['nossa_p50']:.1f}",
    )
    geral.add_row("nosso tempo por mensagem, p95 (ms)", "", f"{sobrecarga['nossa_p95']:.1f}")
    geral.add_row("seis idas ao Postgres, p50 (ms)", "", f"{sobrecarga['seis_idas_p50']:.2f}")
    geral.add_row(
        "nosso tempo em relação a elas", "", f"{sobrecarga['nossa_p50'] / sobrecarga['seis_idas_p50']:.1f} vezes"
    )
    ratio = recibo["nosso"] / recibo["nua"]
    geral.add_row("CPU de um webhook aceito (ms): nosso, rota vazia", "", f"{recibo['nosso']:.2f}, {recibo['nua']:.2f}")
    geral.add_row(
        "CPU de um webhook aceito, em relação à rota vazia", f"≤ {RECIBO_ALVO:.0f} vezes", f"{ratio:.1f} vezes"
    )
    return [geral, custo]
