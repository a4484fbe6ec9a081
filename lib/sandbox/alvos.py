"""The calls that can be made to fail, by vendor: what the page offers as targets of a fault."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from lib.sandbox.chatwoot import ROTAS
from lib.sandbox.slack_metodos import METODOS

ALVOS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "evolution": (
            *("sendText", "sendMedia", "sendPresence", "markMessageAsRead", "findMessages", "whatsappNumbers"),
            *("connectionState", "connect", "create", "fetchInstances", "restart", "logout", "delete"),
            *("webhookSet", "webhookFind", "settingsSet", "settingsFind"),
        ),
        "zapi": (
            *("send-text", "read-message", "status", "qr-code", "disconnect", "queue", "phone-exists"),
            *("phone-exists-batch", "update-every-webhooks"),
        ),
        "meta": (
            *("messages", "upload", "templates", "node", "register", "block_users", "subscribed_apps"),
            "phone_numbers",
        ),
        "anthropic": ("messages", "count_tokens", "create_batch", "get_batch", "batch_results"),
        "chatwoot": tuple(name for _, _, name, _ in ROTAS),
        "slack": (*METODOS, "upload", "response_url"),
        "salvy": (
            *("v3.create", "v3.list", "v3.get", "v3.cancel", "v3.list_sms", "v3.area_codes"),
            *("v2.create", "v2.list", "v2.get", "v2.cancel", "v2.list_sms", "v2.area_codes"),
        ),
        "ativador": ("enqueue", "send_sms_code", "status", "queue", "health"),
        "busca": ("search",),
    }
)
