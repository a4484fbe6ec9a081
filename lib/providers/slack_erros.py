"""What Slack's answers mean: `ok` decides, not the status; `error` says why."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from lib.providers.chamada import Chamada, Falha, ProviderError, Resposta, by_status, failed, not_json, unclear

# Token, permission or channel: nothing goes this way until a person mends it.
FORA: Final = frozenset({
    *("not_authed", "invalid_auth", "token_expired", "token_revoked", "account_inactive", "missing_scope"),
    *("no_permission", "not_allowed_token_type", "org_login_required", "ekm_access_denied", "access_denied"),
    *("team_access_not_granted", "enterprise_is_restricted", "two_factor_setup_required", "accesslimited"),
    *("not_in_channel", "channel_not_found", "is_archived", "restricted_action", "restricted_action_read_only_channel"),
    *("restricted_action_thread_only_channel", "restricted_action_non_threadable_channel", "messages_tab_disabled"),
    *("method_deprecated", "deprecated_endpoint"),
})  # fmt: skip
# Refused before anything was done.
REPETIR: Final = frozenset(
    {"ratelimited", "rate_limited", "message_limit_exceeded", "team_added_to_org", "request_timeout"}
)
# Slack itself says that some of it may have happened.
INCERTAS: Final = frozenset({"internal_error", "fatal_error", "service_unavailable"})
PERMANENTES: Final = frozenset({
    *("msg_too_long", "no_text", "invalid_blocks", "invalid_blocks_format", "too_many_attachments", "too_long"),
    *("cant_update_message", "edit_window_closed", "message_not_found", "cant_post_message", "user_not_in_channel"),
    *("invalid_arguments", "invalid_arg_name", "invalid_json", "json_not_object", "invalid_post_type"),
    *("expired_trigger_id", "invalid_trigger_id", "exchanged_trigger_id", "view_too_large", "duplicate_external_id"),
    *("user_not_found", "user_not_visible", "users_not_found", "thread_not_found", "metadata_too_large"),
    *("invalid_metadata_format", "invalid_metadata_schema", "file_not_found", "invalid_channel", "unknown_method"),
    *("expired_url", "used_url", "posting_to_general_channel_denied"),
})  # fmt: skip


def judge(chamada: Chamada, resposta: Resposta) -> ProviderError | None:
    """Judge a method's answer. HTTP 200 with `ok: false` is Slack's normal failure."""
    body = resposta.objeto
    if resposta.status == HTTPStatus.TOO_MANY_REQUESTS:
        return failed(chamada, resposta, Falha.REPETIR, "ratelimited", codigo="ratelimited")
    if body.get("ok") is False:
        return _said(chamada, resposta)
    wrong = by_status(chamada, resposta, "") or not_json(chamada, resposta)
    if wrong is None and body.get("ok") is not True:
        return failed(chamada, resposta, unclear(chamada), "an answer without ok")
    return wrong


def judge_hook(chamada: Chamada, resposta: Resposta) -> ProviderError | None:
    """Judge what a `response_url` answers: `ok`, nothing, or `ok: true`; its errors are words of their own."""
    if resposta.objeto.get("ok") is not None:
        return judge(chamada, resposta)
    wrong = by_status(chamada, resposta, resposta.texto)
    if wrong is None and resposta.texto.strip() not in {"", "ok"}:
        return failed(chamada, resposta, unclear(chamada), "an answer that is not ok")
    return wrong


def judge_upload(chamada: Chamada, resposta: Resposta) -> ProviderError | None:
    """Judge what an upload address answers: its text does not matter, unless it is a page."""
    wrong = by_status(chamada, resposta, "")
    if wrong is None and "html" in resposta.headers.get("content-type", ""):
        return failed(chamada, resposta, unclear(chamada), "a page instead of an answer")
    return wrong


def _said(chamada: Chamada, resposta: Resposta) -> ProviderError:
    error = resposta.objeto.get("error")
    code = error[:80] if isinstance(error, str) and error else "unknown error"
    return failed(
        chamada, resposta, _falha(chamada, code, resposta.status), _motivo(code, resposta.objeto), codigo=code
    )


def _falha(chamada: Chamada, code: str, status: int) -> Falha:
    if code in FORA:
        return Falha.CANAL_FORA
    if code in REPETIR:
        return Falha.REPETIR
    if code in INCERTAS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return unclear(chamada)
    return Falha.PERMANENTE  # refused with a reason: known or not, asking again changes nothing


def _motivo(code: str, body: Mapping[str, object]) -> str:
    """Add what Slack says besides the code: the scope it misses, or which block is wrong."""
    needed = body.get("needed")
    if isinstance(needed, str):
        return f"{code}: needs {needed}"
    metadata = body.get("response_metadata")
    messages = metadata.get("messages") if isinstance(metadata, dict) else None
    said = [text for text in messages if isinstance(text, str)] if isinstance(messages, list) else []
    return f"{code}: {'; '.join(said)}" if said else code
