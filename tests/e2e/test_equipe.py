"""People beside Júlia, through real processes: Chatwoot both ways, and Slack with its notices and commands."""

from __future__ import annotations

from typing import Any, Final

from lib.sandbox.config import SandboxConfig
from tests.e2e.palco import Palco, wait_for

CONFIG: Final = SandboxConfig()
MEDICO: Final = "5511900030001"
GESTORA: Final = "U00000002"
CANAL: Final = CONFIG.slack_canal


def com_equipe(palco: Palco) -> None:
    palco.api_env |= {
        "AGENTE_CHATWOOT_URL": f"{palco.sandbox_url}/chatwoot",
        "AGENTE_CHATWOOT_TOKEN": CONFIG.chatwoot_token,
        "AGENTE_CHATWOOT_CONTA": str(CONFIG.chatwoot_conta),
        "AGENTE_CHATWOOT_CAIXA": str(CONFIG.chatwoot_caixa),
        "AGENTE_CHATWOOT_WEBHOOK_SECRET": CONFIG.chatwoot_webhook_secret,
        "AGENTE_SLACK_URL": f"{palco.sandbox_url}/slack/api",
        "AGENTE_SLACK_TOKEN": CONFIG.slack_token,
        "AGENTE_SLACK_SIGNING_SECRET": CONFIG.slack_signing_secret,
        "AGENTE_SLACK_CANAL": CANAL,
    }
    palco.chips(1)
    palco.sandbox("PUT", "/_sandbox/programa", {"url": palco.api_url})
    palco.start_api()


def conversa_no_chatwoot(palco: Palco) -> dict[str, Any]:
    wait_for(lambda: palco.sandbox("GET", "/_sandbox/chatwoot/conversas")["conversas"], 15, "the thread is copied")
    [one] = palco.sandbox("GET", "/_sandbox/chatwoot/conversas")["conversas"]
    return dict(palco.sandbox("GET", f"/_sandbox/chatwoot/conversas/{one['id']}"))


def copiadas(palco: Palco) -> list[tuple[str, str, bool]]:
    return [(m["tipo"], m["texto"], m["privada"]) for m in conversa_no_chatwoot(palco)["mensagens"]]


def recebidas(palco: Palco) -> list[str]:
    return [row["texto"] for row in palco.aceitas(MEDICO)]


def controle(palco: Palco) -> str:
    return ",".join(row["controle"] for row in palco.sql("SELECT controle FROM conversa"))


def no_slack(palco: Palco) -> list[dict[str, Any]]:
    return list(palco.sandbox("GET", "/_sandbox/slack/mensagens", canal=CANAL, usuario=GESTORA)["mensagens"])


def auditadas(palco: Palco) -> set[tuple[str, str]]:
    return {(row["acao"], row["resultado"]) for row in palco.sql("SELECT acao, resultado FROM auditoria")}


def test_an_agent_takes_the_conversation_in_chatwoot_answers_and_gives_it_back(palco: Palco) -> None:
    com_equipe(palco)
    palco.escreve(MEDICO, "Oi, bom dia!", nome="Dra. Teste")
    wait_for(lambda: len(copiadas(palco)) >= 2, 20, "question and answer are copied")
    assert copiadas(palco)[0] == ("incoming", "Oi, bom dia!", False)
    assert [kind for kind, _, _ in copiadas(palco)[1:]] == ["outgoing"] * (len(copiadas(palco)) - 1)
    thread = conversa_no_chatwoot(palco)["id"]

    acts = f"/_sandbox/chatwoot/conversas/{thread}"
    palco.sandbox("POST", f"{acts}/mensagens", {"texto": "nota: cuidado com o valor", "privada": True})
    palco.sandbox("POST", f"{acts}/mensagens", {"texto": "Oi, aqui é a Rita, da equipe.", "privada": False})
    wait_for(lambda: "Oi, aqui é a Rita, da equipe." in recebidas(palco), 20, "the agent's words reach the doctor")
    wait_for(lambda: "humano" in conversa_no_chatwoot(palco)["etiquetas"], 20, "the hand-off shows there")
    assert controle(palco) == "humano"

    before = len(recebidas(palco))
    palco.escreve(MEDICO, "que bom, Rita!")
    wait_for(lambda: ("incoming", "que bom, Rita!", False) in copiadas(palco), 20, "the doctor's answer is copied")
    wait_for(palco.assentado, 10, "all is settled")
    assert len(recebidas(palco)) == before, "Júlia is silent while a person has the conversation"

    palco.sandbox("PUT", f"{acts}/status", {"status": "resolved"})
    wait_for(lambda: controle(palco) == "ai", 20, "resolved there, hers again here")
    palco.escreve(MEDICO, "tem plantão essa semana?")
    wait_for(lambda: len(recebidas(palco)) > before, 20, "Júlia answers again")
    wait_for(palco.assentado, 10, "all is settled")
    assert controle(palco) == "ai"
    said = recebidas(palco)
    assert not any("nota" in text for text in said), "private notes never leave"
    assert said.count("Oi, aqui é a Rita, da equipe.") == 1
    thread_now = copiadas(palco)
    assert thread_now.count(("outgoing", "Oi, aqui é a Rita, da equipe.", False)) == 1, "no echo of an echo"
    authors = palco.sql("SELECT autor FROM interacao WHERE texto LIKE 'Oi, aqui é a Rita%%'")
    assert [row["autor"] for row in authors] == ["humano"]


def test_a_hand_off_is_told_in_slack_and_acknowledged_there(palco: Palco) -> None:
    com_equipe(palco)
    palco.escreve(MEDICO, "quero falar com um atendente humano", nome="Dra. Teste")
    wait_for(lambda: controle(palco) == "humano", 15, "she hands over")
    wait_for(lambda: any("Reconhecer" in str(m["blocos"]) for m in no_slack(palco)), 20, "people are told")
    told = next(m for m in no_slack(palco) if "Reconhecer" in str(m["blocos"]))
    assert MEDICO[-8:] not in str(told), "no phone number in a notice"
    buttons = [e for b in told["blocos"] if b["type"] == "actions" for e in b["elements"]]
    button = next(e for e in buttons if e["action_id"] == "reconhecer")
    act = {"canal": CANAL, "ts": told["ts"], "action_id": "reconhecer", "valor": button["value"], "usuario": GESTORA}

    palco.sandbox("POST", "/_sandbox/slack/comando", {"canal": CANAL, "texto": "status", "usuario": GESTORA})
    wait_for(
        lambda: any(GESTORA in str(m) and "autoriz" in str(m) for m in no_slack(palco)), 20, "a stranger is refused"
    )
    palco.sql("INSERT INTO slack_usuario (usuario, nome, papel) VALUES (%s, 'Gestora', 'operator')", GESTORA)
    palco.sandbox("POST", "/_sandbox/slack/botao", act)
    wait_for(lambda: palco.sql("SELECT 1 FROM aviso WHERE visto_em IS NOT NULL"), 20, "the notice counts as seen")
    wait_for(lambda: any("reconhecido" in str(m).lower() for m in no_slack(palco)), 20, "the message says who has it")
    palco.sandbox("POST", "/_sandbox/slack/comando", {"canal": CANAL, "texto": "status", "usuario": GESTORA})
    wanted = {("comando", "recusado: sem papel"), ("reconhecer", "feito"), ("status_sistema", "feito")}
    wait_for(lambda: wanted <= auditadas(palco), 20, "all three acts are in the log")
