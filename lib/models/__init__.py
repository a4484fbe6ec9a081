"""The tables. Importing this package fills `SQLModel.metadata`, which the migrations are checked against."""

from lib.models.acesso import Flag, TokenApi
from lib.models.auditoria import Auditoria
from lib.models.chatwoot import ChatwootConversa, ChatwootNota, Espelho
from lib.models.chip import Chip, ChipSnapshot, ChipTransicao, ChipTransicaoLegal, ChipTrustHistorico, ContaMeta
from lib.models.conversa import Conversa, ConversaMigracao, Interacao
from lib.models.diretriz import Conhecimento, Diretriz, DiretrizVersao
from lib.models.fila import DeliveryEvent, Inbox, Mailbox, Outbox, ToolEffect
from lib.models.fluxo import ExecucaoFluxo
from lib.models.medico import DoctorStateRow, LidTelefone, Medico
from lib.models.memoria import Interesse, Memoria
from lib.models.modelo_meta import ModeloMeta
from lib.models.provisao import Provisao, ProvisaoAtivacao
from lib.models.qualidade import AvaliacaoQualidade
from lib.models.selecao import ChipDecisao, ChipSelecao, Disjuntor, DisjuntorTransicao
from lib.models.slack import Notificacao, SlackConfirmacao, SlackSessao, SlackUsuario
from lib.models.transferencia import Aviso, Transferencia
from lib.models.turno import Turno
from lib.models.vaga import Especialidade, Hospital, Vaga
from lib.models.webhook import WebhookRow

__all__ = [
    "Auditoria",
    "AvaliacaoQualidade",
    "Aviso",
    "ChatwootConversa",
    "ChatwootNota",
    "Chip",
    "ChipDecisao",
    "ChipSelecao",
    "ChipSnapshot",
    "ChipTransicao",
    "ChipTransicaoLegal",
    "ChipTrustHistorico",
    "Conhecimento",
    "ContaMeta",
    "Conversa",
    "ConversaMigracao",
    "DeliveryEvent",
    "Diretriz",
    "DiretrizVersao",
    "Disjuntor",
    "DisjuntorTransicao",
    "DoctorStateRow",
    "Especialidade",
    "Espelho",
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
    "ModeloMeta",
    "Notificacao",
    "Outbox",
    "Provisao",
    "ProvisaoAtivacao",
    "SlackConfirmacao",
    "SlackSessao",
    "SlackUsuario",
    "TokenApi",
    "ToolEffect",
    "Transferencia",
    "Turno",
    "Vaga",
    "WebhookRow",
]
