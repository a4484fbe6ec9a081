"""The tables. Importing this package fills `SQLModel.metadata`, which the migrations are checked against."""

from lib.models.acesso import Flag, TokenApi
from lib.models.chip import Chip, ChipTrustHistorico
from lib.models.conversa import Conversa, Interacao
from lib.models.diretriz import Conhecimento, Diretriz, DiretrizVersao
from lib.models.fila import DeliveryEvent, Inbox, Mailbox, Outbox, ToolEffect
from lib.models.fluxo import ExecucaoFluxo
from lib.models.medico import DoctorStateRow, LidTelefone, Medico
from lib.models.memoria import Interesse, Memoria
from lib.models.qualidade import AvaliacaoQualidade
from lib.models.transferencia import Aviso, Transferencia
from lib.models.turno import Turno
from lib.models.vaga import Especialidade, Hospital, Vaga

__all__ = [
    "AvaliacaoQualidade",
    "Aviso",
    "Chip",
    "ChipTrustHistorico",
    "Conhecimento",
    "Conversa",
    "DeliveryEvent",
    "Diretriz",
    "DiretrizVersao",
    "DoctorStateRow",
    "Especialidade",
    "ExecucaoFluxo",
    "Flag",
    "Hospital",
    "Inbox",
    "Interacao",
    "Interesse",
    "LidTelefone",
    "Mailbox",
    "Medico",
    "Memoria",
    "Outbox",
    "TokenApi",
    "ToolEffect",
    "Transferencia",
    "Turno",
    "Vaga",
]
