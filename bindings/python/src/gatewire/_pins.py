"""Certificate pins as text."""

from __future__ import annotations

from ctypes import byref, c_char

from . import _abi
from ._values import text
from .errors import make_error


def normalize_pin(pin: str) -> str:
    """The 64 lower-case hex digits of a SHA-256 fingerprint, as a person may write it.

    :raises UsageError: this is no SHA-256 fingerprint
    """
    out = (c_char * 65)()
    status = _abi.lib.gw_pin_normalize(text("pin", pin), byref(out))
    if status < 0:
        raise make_error(status, "", _abi.ACTOR_PROGRAM)
    digits: bytes = out.value
    return digits.decode()
