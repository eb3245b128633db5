"""Certificate pins as text."""

from __future__ import annotations

from ctypes import byref, c_char, c_uint32

from . import _abi
from ._values import text
from .errors import make_error


def normalize_pin(pin: str) -> str:
    """The 64 lower-case hex digits of a certificate pin, as a person may write it; see :func:`read_pin` for all kinds.

    :raises UsageError: this is no SHA-256 fingerprint of a certificate
    """
    out = (c_char * 65)()
    status = _abi.lib.gw_pin_normalize(text("pin", pin), byref(out))
    if status < 0:
        raise make_error(status, "", _abi.ACTOR_PROGRAM)
    digits: bytes = out.value
    return digits.decode()


_KINDS = {_abi.PIN_CERTIFICATE: "cert", _abi.PIN_KEY: "key", _abi.PIN_CA: "ca", _abi.PIN_CA_KEY: "ca-key"}


def read_pin(pin: str) -> str:
    """A pin of any kind in one form: ``cert:``, ``key:``, ``ca:`` or ``ca-key:`` and 64 lower-case hex digits.

    :raises UsageError: this is no SHA-256 pin
    """
    kind = c_uint32()
    out = (c_char * 65)()
    status = _abi.lib.gw_pin_read(text("pin", pin), byref(kind), byref(out))
    if status < 0:
        raise make_error(status, "", _abi.ACTOR_PROGRAM)
    digits: bytes = out.value
    return f"{_KINDS[kind.value]}:{digits.decode()}"
