"""The tables. Importing this package fills `SQLModel.metadata`, which the migrations are checked against."""

from lib.models.acesso import Flag, TokenApi
from lib.models.chip import Chip, ChipTrustHistorico
from lib.models.conversa import Conversa, Interacao
from lib.models.fila import DeliveryEvent, Inbox, Mailbox, Outbox, ToolEffect
from lib.models.fluxo import ExecucaoFluxo
from lib.models.medico import DoctorStateRow, Medico
from lib.models.qualidade import AvaliacaoQualidade
from lib.models.turno import Turno
from lib.models.vaga import Especialidade, Hospital, Vaga

__all__ = [
    "AvaliacaoQualidade",
    "Chip",
    "ChipTrustHistorico",
    "Conversa",
    "DeliveryEvent",
    "DoctorStateRow",
    "Especialidade",
    "ExecucaoFluxo",
    "Flag",
    "Hospital",
    "Inbox",
    "Interacao",
    "Mailbox",
    "Medico",
    "Outbox",
    "TokenApi",
    "ToolEffect",
    "Turno",
    "Vaga",
]
