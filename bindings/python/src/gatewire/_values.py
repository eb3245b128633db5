"""Python values to those of the C interface: units, text, arrays.  Defaults stay in the library."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from ctypes import POINTER, Array, c_char_p, cast
from typing import Any, Optional, Union

from . import _abi

PathLike = Union[str, "os.PathLike[str]"]


def milliseconds(name: str, seconds: Optional[float]) -> int:
    """``None``: 0, the default; ``math.inf``: no limit; else whole milliseconds, at least one."""
    if seconds is None:
        return 0
    if seconds == math.inf:
        return _abi.NEVER
    if not 0 <= seconds <= 4_294_967:
        raise ValueError(f"{name} must be between 0 and 4294967 seconds, or math.inf, not {seconds!r}")
    return max(1, math.ceil(seconds * 1000))


def unsigned(name: str, value: Optional[int]) -> int:
    """``None``: 0, the default; else a number that fits 32 bits."""
    if value is None:
        return 0
    if not 0 <= value <= 0xFFFF_FFFF:
        raise ValueError(f"{name} must be between 0 and 4294967295, not {value!r}")
    return value


def text(name: str, value: str) -> bytes:
    """UTF-8 without NUL, which C would take for its end."""
    encoded = value.encode()
    if b"\0" in encoded:
        raise ValueError(f"{name} must not contain NUL")
    return encoded


def optional_text(name: str, value: Optional[str]) -> Optional[bytes]:
    return None if value is None else text(name, value)


def path(name: str, value: Optional[PathLike]) -> Optional[bytes]:
    if value is None:
        return None
    encoded = os.fsencode(value)
    if b"\0" in encoded:
        raise ValueError(f"{name} must not contain NUL")
    return encoded


def texts(name: str, values: Optional[Sequence[str]]) -> tuple[Any, int]:
    """A C array of texts and its length.  A single text is refused: it would be taken for a list of letters."""
    if values is None:
        return None, 0
    if isinstance(values, (str, bytes)):
        raise TypeError(f"{name} must be a list of texts, not one text")
    items = [text(name, value) for value in values]
    array: Array[c_char_p] = (c_char_p * len(items))(*items)
    return cast(array, POINTER(c_char_p)), len(items)


def header_array(headers: Union[Mapping[str, str], Sequence[tuple[str, str]], None]) -> tuple[Any, int]:
    """A C array of headers and its length."""
    if not headers:
        return None, 0
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    items = [_abi.Header(text("headers", name), text("headers", value)) for name, value in pairs]
    return cast((_abi.Header * len(items))(*items), POINTER(_abi.Header)), len(items)


def permission_array(permissions: Optional[Mapping[str, bool]]) -> tuple[Any, int]:
    """A C array of permissions and its length."""
    if not permissions:
        return None, 0
    items = [_abi.Permission(text("permissions", name), 1 if granted else 0) for name, granted in permissions.items()]
    return cast((_abi.Permission * len(items))(*items), POINTER(_abi.Permission)), len(items)


def takeover_ms(takeover: Optional[float]) -> int:
    """``None``: the default; 0: a library thread from the start; ``math.inf``: never."""
    if takeover is None:
        return _abi.TAKEOVER_DEFAULT
    return _abi.TAKEOVER_ALWAYS if takeover == 0 else milliseconds("takeover", takeover)
