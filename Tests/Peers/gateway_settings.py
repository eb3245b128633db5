"""How the gateway double behaves, and how it misbehaves."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Optional, TextIO


@dataclass
class Faults:
    """How the gateway misbehaves."""

    no_challenge: bool = False
    challenge_without_nonce: bool = False
    challenge_blank_nonce: bool = False
    #: refuses the upgrade with this status, these headers and this body
    refuse: Optional[int] = None
    refuse_headers: dict[str, str] = field(default_factory=dict)
    refuse_body: str = ""
    #: refuses the connect request with this detail code, with these further details, and a time to wait
    reject: Optional[str] = None
    reject_details: dict[str, Any] = field(default_factory=dict)
    retry_after_ms: Optional[int] = None
    #: closes with the refusal's text instead of answering
    close_unanswered: bool = False
    #: issues these tokens too: role to token
    more_tokens: dict[str, str] = field(default_factory=dict)
    starting: bool = False
    restarting: bool = False
    never_hello: bool = False
    #: answers the connect request with this in place of a hello
    bad_hello: Any = None
    #: bytes that are added to the hello
    hello_too_large: int = 0
    broken_json: bool = False
    unknown_id: bool = False
    #: emits the shapes of the old Go gateway: result, params, integer error codes
    legacy: bool = False
    silent_ticks: bool = False
    #: never answers a call
    deaf: bool = False
    #: closes with 1012 after a shutdown event, right after hello; the value is restartExpectedMs
    restart: Optional[int] = None
    #: ends the TCP connection in this phase: accept, upgrade, challenge, connect, hello, ready
    cut: Optional[str] = None
    cut_how: str = "reset"
    #: ends it after so many bytes to the client, or from it, TLS included
    cut_to_client: Optional[int] = None
    cut_from_client: Optional[int] = None

    def update(self, values: dict[str, Any]) -> None:
        known = {item.name for item in fields(self)}
        for name, value in values.items():
            name = name.replace("-", "_")
            if name not in known:
                raise ValueError(f"no such fault: {name}")
            setattr(self, name, value)


@dataclass
class Settings:
    """A gateway that behaves."""

    host: str = "127.0.0.1"
    port: int = 0
    tls: Optional[tuple[str, str]] = None
    protocol: int = 4
    token: Optional[str] = None
    password: Optional[str] = None
    bootstrap_token: Optional[str] = None
    #: how the gateway treats what differs between its generations: ``spring`` (protocol 3) or ``newest``
    generation: str = "newest"
    deflate: bool = True
    tick_interval_ms: int = 30_000
    handshake_timeout_ms: int = 15_000
    #: devices must be approved first: those that are not in ``approved`` are refused with PAIRING_REQUIRED
    pairing: bool = False
    approved: set[str] = field(default_factory=set)
    ping_interval: Optional[float] = 25.0
    journal_file: Optional[TextIO] = None
