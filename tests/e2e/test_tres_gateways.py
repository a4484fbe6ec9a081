"""The same conversation through Evolution, Z-API and Meta: one code path behind three parsers, one outcome."""

from __future__ import annotations

import json
from functools import partial
from typing import Any, Final

from lib.providers.zapi_webhook import path_key
from lib.sandbox.config import SandboxConfig
from tests.e2e.palco import Palco, wait_for

CONFIG: Final = SandboxConfig()
ZAPI_SECRET: Final = "segredo-dos-webhooks-da-zapi-com-32-ou-mais"
NUMEROS: Final = {"evolution": "julia-01", "zapi": "3CSANDBOX01", "meta": "106540352242922"}
MEDICOS: Final = {"evolution": "5511900020001", "zapi": "5511900020002", "meta": "5511900020003"}
FALAS: Final = (
    "Oi, bom dia! Aqui é a Dra. Teste",
    "você é um robô?",
    "tem plantão essa semana?",
    "não quero mais receber mensagens",
)
FORNECEDORES: Final = {
    "AGENTE_ZAPI_CLIENT_TOKEN": CONFIG.zapi_client_token,
    "AGENTE_ZAPI_INSTANCIAS": json.dumps(dict(CONFIG.zapi_instancias)),
    "AGENTE_ZAPI_WEBHOOK_SECRET": ZAPI_SECRET,
    "AGENTE_META_TOKEN": CONFIG.meta_token,
    "AGENTE_META_APP_SECRET": CONFIG.meta_app_secret,
    "AGENTE_META_VERIFY_TOKEN": CONFIG.meta_verify_token,
}


def com_tres_gateways(palco: Palco) -> None:
    """One number at each, all equally good, all connected."""
    palco.api_env |= FORNECEDORES | {
        "AGENTE_ZAPI_URL": f"{palco.sandbox_url}/zapi",
        "AGENTE_META_URL": f"{palco.sandbox_url}/meta",
    }
    palco.chips(1)
    for n, gateway in enumerate(("zapi", "meta"), 2):
        palco.sql(
            """INSERT INTO chip (telefone, instancia, gateway, conta, status, fase, conectado, trust_score, trust_nivel,
              pode_prospectar, pode_followup, pode_responder, limite_hora, limite_dia)
            VALUES (%s, %s, %s, 'waba', 'active', 'operacao', true, 90, 'verde', true, true, true, 999, 999)""",
            f"+551190000010{n}",
            NUMEROS[gateway],
            gateway,
        )
    palco.sandbox("PUT", "/_sandbox/programa", {"url": palco.api_url})
    webhook = f"{palco.api_url}/webhooks/zapi/{path_key(ZAPI_SECRET, NUMEROS['zapi'])}"
    palco.sandbox("PUT", f"/_sandbox/instancias/{NUMEROS['zapi']}", {"webhook_url": webhook})
    palco.sandbox("PUT", f"/_sandbox/instancias/{NUMEROS['meta']}", {"provedor": "meta"})


def desfecho(palco: Palco, gateway: str) -> dict[str, Any]:
    """What one doctor's conversation came to, without ids and times."""
    telefone = f"+{MEDICOS[gateway]}"
    [estado] = palco.sql(
        """SELECT s.permissao, s.temperatura::text, s.ciclo, c.estagio, c.controle, c.modo, k.gateway
        FROM medico m JOIN doctor_state s ON s.medico_id = m.id JOIN conversa c ON c.medico_id = m.id
        JOIN chip k ON k.id = c.chip_id WHERE m.telefone = %s""",
        telefone,
    )
    assert estado.pop("gateway") == gateway
    return {
        "estado": estado,
        "conversa": palco.sql(
            """SELECT x.direcao, x.autor, x.midia, x.texto, x.entrega FROM interacao x
            JOIN medico m ON m.id = x.medico_id WHERE m.telefone = %s ORDER BY x.em, x.id""",
            telefone,
        ),
        "turnos": palco.sql(
            """SELECT x.desfecho, x.regra FROM turno x JOIN medico m ON m.id = x.medico_id
            WHERE m.telefone = %s ORDER BY x.id""",
            telefone,
        ),
        "enviadas": palco.sql(
            """SELECT x.state, x.tipo, x.body FROM outbox x JOIN medico m ON m.id = x.medico_id
            WHERE m.telefone = %s ORDER BY x.id""",
            telefone,
        ),
        "aceitas": [row["texto"] for row in palco.aceitas(MEDICOS[gateway])],
    }


def respondidas(palco: Palco) -> dict[str, int]:
    """How many answers each doctor has had."""
    return {gateway: len(palco.aceitas(medico)) for gateway, medico in MEDICOS.items()}


def todos_a_mais(palco: Palco, before: dict[str, int]) -> bool:
    return all(now > before[gateway] for gateway, now in respondidas(palco).items())


def test_one_conversation_through_three_gateways_has_one_outcome(palco: Palco) -> None:
    com_tres_gateways(palco)
    palco.start_api()
    for fala in FALAS:
        before = respondidas(palco)
        for gateway, instancia in NUMEROS.items():
            palco.escreve(MEDICOS[gateway], fala, instancia=instancia, nome="Dra. Teste")
        wait_for(partial(todos_a_mais, palco, before), 20, f"everybody is answered: {fala}")
        wait_for(palco.assentado, 20, "all is settled")
    read = "SELECT count(*) AS n FROM interacao WHERE direcao = 'saida' AND entrega IS DISTINCT FROM 'lida'"
    wait_for(lambda: palco.sql(read)[0]["n"] == 0, 20, "every answer was delivered and read")
    evolution, zapi, meta = (desfecho(palco, gateway) for gateway in NUMEROS)
    assert evolution["estado"]["permissao"] == "opted_out"
    assert len(evolution["aceitas"]) >= len(FALAS)
    assert "automatizada" in evolution["aceitas"][0]
    assert zapi == evolution
    assert meta == evolution
