"""Errors that a caller acts on. Anything else is a bug and stays an exception of its own kind."""

from __future__ import annotations


class AgenteError(Exception):
    """Root of the errors with a meaning of their own."""


class SettingsError(AgenteError):
    """Settings are missing or wrong; `lines` holds one sentence for each."""

    def __init__(self, lines: tuple[str, ...]) -> None:
        super().__init__("; ".join(lines))
        self.lines = lines


class DatabaseUnavailableError(AgenteError):
    """The database could not be reached or had no free connection in time: nothing was stored, ask again later."""


class UnauthorizedError(AgenteError):
    """No credential, or a wrong one."""


class ForbiddenError(AgenteError):
    """The credential is right, its role is not."""


class UnknownInstanceError(AgenteError):
    """The webhook's key is right, but no chip has this instance name (yet)."""


class PayloadTooLargeError(AgenteError):
    """The body passed its limit and was not read to its end."""


class PayloadTooDeepError(AgenteError):
    """The body nests deeper, or has more keys, than any vendor's."""


class PayloadTooSlowError(AgenteError):
    """The body did not arrive in time."""


class UnsupportedEncodingError(AgenteError):
    """The body is compressed, which is not accepted."""


class SendRefusedError(AgenteError):
    """The gateway refused a message for good: it was not sent and will not be.

    `chip_down` is true when the refusal is about the chip (disconnected before anything left), so that another may try;
    `descanso_s` for how long it would be refused again although it says that it is connected. `efeito` is what the
    refusal tells of the doctor, a `lib.domain.evento.EfeitoRecibo`.
    """

    def __init__(
        self, reason: str, *, chip_down: bool = False, descanso_s: float = 0.0, efeito: str | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.chip_down = chip_down
        self.descanso_s = descanso_s
        self.efeito = efeito


class SendUnknownError(AgenteError):
    """It is not known whether the gateway sent the message: only evidence may decide."""


class ModelUnavailableError(AgenteError):
    """The language model did not answer: overloaded, unreachable or out of time. `retry_after_s` is its own wish."""

    def __init__(self, reason: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class ModelOverloadedError(ModelUnavailableError):
    """The model itself is overloaded: a model of another id may answer now."""


class ModelRefusedError(AgenteError):
    """The language model will not answer this request however often it is asked (bad request, billing, permission)."""
