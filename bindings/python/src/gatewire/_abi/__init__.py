"""The C headers, mirrored word for word: constants, structs, prototypes.  No decisions, no conversions.

One file a header; names and order follow ``include/gatewire/*.h``, which says what everything means.  At import the
sizes of all structs are compared with those of the library that was loaded.
"""

from __future__ import annotations

import os
from ctypes import CDLL, Structure, sizeof
from pathlib import Path
from typing import Any

from . import base, call, client, context, credentials, doctor, event, observe, route, server, socket, socketio, trust
from .base import *  # noqa: F403
from .call import *  # noqa: F403
from .client import *  # noqa: F403
from .context import *  # noqa: F403
from .credentials import *  # noqa: F403
from .doctor import *  # noqa: F403
from .event import *  # noqa: F403
from .observe import *  # noqa: F403
from .route import *  # noqa: F403
from .server import *  # noqa: F403
from .socket import *  # noqa: F403
from .socketio import *  # noqa: F403
from .trust import *  # noqa: F403

# The numbers of gw_struct_size.
STRUCTS: dict[int, type[Structure]] = {
    **base.LAYOUTS,
    **event.LAYOUTS,
    **context.LAYOUTS,
    **route.LAYOUTS,
    **trust.LAYOUTS,
    **call.LAYOUTS,
    **observe.LAYOUTS,
    **client.LAYOUTS,
    **credentials.LAYOUTS,
    **socketio.LAYOUTS,
    **server.LAYOUTS,
    **socket.LAYOUTS,
}

# Result and arguments of every function.
PROTOTYPES: dict[str, tuple[Any, list[Any]]] = {
    **base.FUNCTIONS,
    **context.FUNCTIONS,
    **route.FUNCTIONS,
    **trust.FUNCTIONS,
    **call.FUNCTIONS,
    **observe.FUNCTIONS,
    **client.FUNCTIONS,
    **credentials.FUNCTIONS,
    **socketio.FUNCTIONS,
    **doctor.FUNCTIONS,
    **server.FUNCTIONS,
    **socket.FUNCTIONS,
}


def _load() -> CDLL:
    """The library beside the package (as a wheel carries it), else the one that GATEWIRE_LIBRARY names."""
    beside = Path(__file__).parents[1] / "libgatewire.so"
    named = os.environ.get("GATEWIRE_LIBRARY")
    if beside.exists():
        path = str(beside)
    elif named:
        path = named
    else:
        raise ImportError(
            f"libgatewire.so is not in {beside.parent}, and GATEWIRE_LIBRARY is not set: install the wheel, or "
            "build the library with 'make' and set GATEWIRE_LIBRARY to build/libgatewire.so"
        )
    try:
        # Deep binding: an interpreter may carry an OpenSSL or zlib of its own, which must not take the place of ours.
        library = CDLL(path, mode=os.RTLD_NOW | os.RTLD_DEEPBIND)
    except OSError as error:
        raise ImportError(f"{path} cannot be loaded: {error}") from error

    for name, (result, arguments) in PROTOTYPES.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            raise ImportError(f"{path} has no function {name}: it is older than this package") from None
        function.restype = result
        function.argtypes = arguments

    loaded = library.gw_abi_version()
    if loaded != base.ABI_VERSION:
        raise ImportError(f"{path} has ABI version {loaded}, this package needs {base.ABI_VERSION}: update one of them")
    for number, mirror in STRUCTS.items():
        size = library.gw_struct_size(number)
        if size != sizeof(mirror):
            raise ImportError(
                f"{path}: {mirror.__doc__} has {size} bytes, this package expects {sizeof(mirror)}: update one of them"
            )
    if event.EVENT_FORMAT.size != sizeof(event.Event):
        raise ImportError(
            f"gw_event has {sizeof(event.Event)} bytes, its format {event.EVENT_FORMAT.size}: this platform is unknown"
        )
    return library


lib = _load()
