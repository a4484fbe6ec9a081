"""WhatsApp addresses as the Evolution API forms them."""

import hashlib
import re

_BRAZILIAN_MOBILE = re.compile(r"^(55)(\d{2})\d(\d{8})$")
_SERVERS = ("@g.us", "@s.whatsapp.net", "@lid", "@broadcast", "@newsletter")
_GROUP_DIGITS = 18
_FIRST_DDD_WITHOUT_NINE = 31
_FIRST_MOBILE_DIGIT = 7


def create_jid(number: str) -> str:
    """Address of a number; the ninth digit is dropped for DDD >= 31 when the next digit is >= 7.

    `5541990000101` becomes `554190000101@s.whatsapp.net`, `5511900000001` keeps its digits; what carries a server
    stays as it is.
    """
    number = re.sub(r":\d+", "", number)
    if any(server in number for server in _SERVERS):
        return number
    digits = re.sub(r"\D", "", number.split("@")[0])
    if len(digits) >= _GROUP_DIGITS:
        return f"{digits}@g.us"
    mobile = _BRAZILIAN_MOBILE.match(digits)
    if mobile and int(mobile[2]) >= _FIRST_DDD_WITHOUT_NINE and int(mobile[3][0]) >= _FIRST_MOBILE_DIGIT:
        digits = mobile[1] + mobile[2] + mobile[3]
    return f"{digits}@s.whatsapp.net"


def phone_of(jid: str) -> str:
    """Digits before the server part."""
    return jid.split("@", 1)[0]


def lid_of(jid: str) -> str:
    """The one opaque LID of an address, stable across restarts."""
    number = int.from_bytes(hashlib.blake2s(jid.encode(), digest_size=6).digest()) % 10**12
    return f"201{number:012d}@lid"
