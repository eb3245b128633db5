"""GoClaw's dialect of the gateway protocol: ``dialect="goclaw"`` of ``gatewire.connect`` and ``gatewire.serve``."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref, pointer
from dataclasses import dataclass, field
from typing import Any, Optional

from . import _abi
from ._values import milliseconds, optional_text, text, texts, unsigned

_DIALECTS = {"openclaw": _abi.DIALECT_OPENCLAW, "goclaw": _abi.DIALECT_GOCLAW, "detect": _abi.DIALECT_DETECT}


@dataclass(frozen=True)
class GoClaw:
    """Who the client is at a GoClaw gateway (``gw_goclaw_options``).

    :param user_id: the user for whom it acts
    :param sender_id: kept from a :class:`Pairing` whose state was ``"approved"``: lets it in without a token
    :param tenant_id: UUID or slug
    :param tenant_hint: slug, for clients without a token
    """

    user_id: Optional[str] = None
    sender_id: Optional[str] = None
    tenant_id: Optional[str] = None
    tenant_hint: Optional[str] = None


@dataclass(frozen=True)
class GoClawKey:
    """A key that lets its holder in (``gw_goclaw_key``).

    :param key: what clients present as their token
    :param scopes: ``"operator.admin"``, ``"operator.write"``, ``"operator.read"``: they decide on the role
    :param user_id: to whom it belongs; ``None``: whom the client names
    """

    key: str = field(repr=False)
    scopes: Sequence[str] = ()
    user_id: Optional[str] = None


@dataclass(frozen=True)
class GoClawGateway:
    """How the embedded gateway behaves in this dialect (``gw_goclaw_server_options``).

    :param keys: who is let in beside the holder of the gateway token
    :param owner_ids: users whom the gateway token makes owners (default: ``system``)
    :param allowed_origins: exact, or ``"*"``; ``None``: all
    :param pairing: ``False`` refuses who brings no credential
    :param ownership_unauthorized: answer for another user's session with ``UNAUTHORIZED`` in place of ``FORBIDDEN``
    :param calls_per_minute: ``chat.send`` of each user, 5 at once
    :param ping_interval: seconds between pings
    :param read_timeout: seconds for a message or a pong to come
    :param max_queued_messages: outgoing; beyond it messages are dropped
    """

    keys: Sequence[GoClawKey] = ()
    owner_ids: Optional[Sequence[str]] = None
    allowed_origins: Optional[Sequence[str]] = None
    pairing: bool = True
    ownership_unauthorized: bool = False
    calls_per_minute: Optional[int] = None
    ping_interval: Optional[float] = None
    read_timeout: Optional[float] = None
    max_queued_messages: Optional[int] = None


def dialect_number(dialect: Optional[str]) -> int:
    """``GW_DIALECT_...`` of its word."""
    if dialect is not None and dialect not in _DIALECTS:
        raise ValueError(f"dialect must be one of {', '.join(_DIALECTS)}, not {dialect!r}")
    return _DIALECTS[dialect or "openclaw"]


def goclaw_options(goclaw: Optional[GoClaw]) -> Any:
    """A pointer to ``gw_goclaw_options``, or ``None``."""
    if goclaw is None:
        return None
    options = _abi.GoClawOptions()
    _abi.lib.gw_goclaw_options_init(byref(options))
    options.user_id = optional_text("user_id", goclaw.user_id)
    options.sender_id = optional_text("sender_id", goclaw.sender_id)
    options.tenant_id = optional_text("tenant_id", goclaw.tenant_id)
    options.tenant_hint = optional_text("tenant_hint", goclaw.tenant_hint)
    return pointer(options)


def goclaw_server_options(goclaw: Optional[GoClawGateway]) -> Any:
    """A pointer to ``gw_goclaw_server_options``, or ``None``."""
    if goclaw is None:
        return None
    options = _abi.GoClawServerOptions()
    _abi.lib.gw_goclaw_server_options_init(byref(options))
    options.flags = (0 if goclaw.pairing else _abi.GOCLAW_NO_PAIRING) | (
        _abi.GOCLAW_OWNERSHIP_UNAUTHORIZED if goclaw.ownership_unauthorized else 0
    )
    keys = (_abi.GoClawKey * len(goclaw.keys))()
    for place, key in zip(keys, goclaw.keys):
        place.key = text("key", key.key)
        place.scopes = text("scopes", " ".join(key.scopes))
        place.user_id = optional_text("user_id", key.user_id)
    options.keys = keys
    options.key_count = len(goclaw.keys)
    options.owner_ids, options.owner_id_count = texts("owner_ids", goclaw.owner_ids)
    options.allowed_origins, options.allowed_origin_count = texts("allowed_origins", goclaw.allowed_origins)
    options.calls_per_minute = unsigned("calls_per_minute", goclaw.calls_per_minute)
    options.ping_interval_ms = milliseconds("ping_interval", goclaw.ping_interval)
    options.read_timeout_ms = milliseconds("read_timeout", goclaw.read_timeout)
    options.max_queued_messages = unsigned("max_queued_messages", goclaw.max_queued_messages)
    return pointer(options)
