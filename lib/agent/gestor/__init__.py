"""The managers' side: what they may ask of Júlia in Slack, by command or in their own words."""

from __future__ import annotations

from lib.agent.gestor.contrato import Ferramenta, Quem, Resultado
from lib.agent.gestor.medicos import BLOQUEAR_MEDICO, BUSCAR_MEDICO, DESBLOQUEAR_MEDICO, LISTAR_MEDICOS
from lib.agent.gestor.mensagens import BUSCAR_HISTORICO, ENVIAR_MENSAGEM
from lib.agent.gestor.metricas import BUSCAR_METRICAS, COMPARAR_PERIODOS
from lib.agent.gestor.operacao import PAUSAR_JULIA, RETOMAR_JULIA, STATUS_SISTEMA, TOGGLE_NOTIFICACOES
from lib.agent.gestor.transferencias import ASSUMIR, BUSCAR_HANDOFFS, DEVOLVER
from lib.agent.gestor.vagas import BUSCAR_VAGAS

# In this order always: the tools open the prompt's cached prefix.
FERRAMENTAS: tuple[Ferramenta, ...] = (
    STATUS_SISTEMA,
    BUSCAR_METRICAS,
    COMPARAR_PERIODOS,
    BUSCAR_MEDICO,
    LISTAR_MEDICOS,
    BUSCAR_HISTORICO,
    BUSCAR_VAGAS,
    BUSCAR_HANDOFFS,
    ENVIAR_MENSAGEM,
    BLOQUEAR_MEDICO,
    DESBLOQUEAR_MEDICO,
    ASSUMIR,
    DEVOLVER,
    PAUSAR_JULIA,
    RETOMAR_JULIA,
    TOGGLE_NOTIFICACOES,
)

__all__ = ["FERRAMENTAS", "Ferramenta", "Quem", "Resultado"]
