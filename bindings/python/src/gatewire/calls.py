"""What a call can be told, and what connections begin with: options of :func:`gatewire.connect` and of calls."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import POINTER, byref, c_uint64, cast, pointer
from dataclasses import dataclass
from typing import Any, Optional, Union

from . import _abi
from ._context import Context, Json, to_json
from ._values import milliseconds, text, unsigned

#: a method, or a method and its params
SyncCall = Union[str, tuple[str, Json]]


@dataclass(frozen=True)
class Offline:
    """Keeps calls that are made without a connection, and sends them after the next hello (``gw_offline_options``).

    One whose time passes ends with :class:`NotSentError`.

    :param max_calls: so many at most
    :param max_bytes: of all of them together
    :param time_to_live: seconds
    """

    max_calls: Optional[int] = None
    max_bytes: Optional[int] = None
    time_to_live: Optional[float] = None


@dataclass(frozen=True)
class Resync:
    """Holds events back after each notice :class:`Stale`, until ``resynced`` is called (``gw_resync_options``).

    :param timeout: seconds after which the events go on by themselves
    :param max_held_bytes: more than this of them, and they go on, too
    """

    timeout: Optional[float] = None
    max_held_bytes: Optional[int] = None


def offline_options(offline: Optional[Offline]) -> Any:
    if offline is None:
        return None
    options = _abi.OfflineOptions()
    _abi.lib.gw_offline_options_init(byref(options))
    options.max_calls = unsigned("max_calls", offline.max_calls)
    options.max_bytes = unsigned("max_bytes", offline.max_bytes)
    options.time_to_live_ms = milliseconds("time_to_live", offline.time_to_live)
    return pointer(options)


def resync_options(resync: Optional[Resync]) -> Any:
    if resync is None:
        return None
    options = _abi.ResyncOptions()
    _abi.lib.gw_resync_options_init(byref(options))
    options.timeout_ms = milliseconds("timeout", resync.timeout)
    options.max_held_bytes = unsigned("max_held_bytes", resync.max_held_bytes)
    return pointer(options)


def sync_calls(calls: Optional[Sequence[SyncCall]]) -> tuple[Any, int]:
    """A C array of calls and its length."""
    if not calls:
        return None, 0
    items = []
    for call in calls:
        method, params = (call, None) if isinstance(call, str) else call
        body = to_json(params)
        items.append(_abi.SyncCall(text("initial_sync", method), body, len(body) if body else 0))
    return cast((_abi.SyncCall * len(items))(*items), POINTER(_abi.SyncCall)), len(items)


def fill_call_options(
    options: _abi.CallOptions,
    timeout: Optional[float],
    expect_final: bool,
    idempotent: Union[bool, str],
    traceparent: Optional[str],
    online_only: bool,
) -> None:
    """What the keywords of a call say, as ``gw_call_options``."""
    options.timeout_ms = milliseconds("timeout", timeout)
    options.flags = (
        (_abi.CALL_EXPECT_FINAL if expect_final else 0)
        | (_abi.CALL_IDEMPOTENT if idempotent is not False else 0)
        | (_abi.CALL_ONLINE_ONLY if online_only else 0)
    )
    options.idempotency_key = text("idempotent", idempotent) if isinstance(idempotent, str) else None
    options.traceparent = None if traceparent is None else text("traceparent", traceparent)


def subscribe(context: Context, handle: int, method: str, params: Json) -> int:
    """The id of a new subscription."""
    body = to_json(params)
    subscription = c_uint64()
    context.check(
        _abi.lib.gw_client_subscribe(
            handle, text("method", method), body, len(body) if body else 0, None, byref(subscription)
        )
    )
    return subscription.value


def resynced(context: Context, handle: int, number: int) -> bool:
    """Whether something was held for it."""
    status: int = _abi.lib.gw_client_resynced(handle, number)
    if status not in (_abi.OK, _abi.ERR_GONE):
        context.fail(status)
    return status == _abi.OK
