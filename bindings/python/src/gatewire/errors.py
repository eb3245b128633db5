"""One class for each group of statuses; each is also the builtin exception that one would catch.

>>> try:
...     await client.call("sessions.list")
... except gatewire.RpcError as error:       # the gateway said no
...     print(error.name, error.text)
... except gatewire.NotSentError:            # it has certainly not run
...     ...
... except gatewire.OutcomeUnknownError:     # it may have run; a time limit is one of these
...     ...

``include/gatewire/base.h`` lists the statuses.
"""

from __future__ import annotations

from typing import Any, Optional

from . import _abi

_ACTORS = {
    _abi.ACTOR_NONE: "none",
    _abi.ACTOR_PROGRAM: "program",
    _abi.ACTOR_USER: "user",
    _abi.ACTOR_OPERATOR: "operator",
    _abi.ACTOR_NETWORK: "network",
}


# How a call ends without an answer.
_UNANSWERED = (_abi.ERR_NOT_SENT, _abi.ERR_OUTCOME_UNKNOWN, _abi.ERR_CALL_TIMEOUT, _abi.ERR_CANCELLED)


class GatewireError(Exception):
    """Something that the library reports.

    :ivar status: number of the status, negative (``GW_ERR_...``)
    :ivar status_name: its stable identifier, ``"GW_ERR_TLS_PIN"``
    :ivar text: one line for a person, with the values on both sides
    :ivar actor: who must act before it can work: ``"none"``, ``"program"``, ``"user"``, ``"operator"`` or ``"network"``
    :ivar code: close code (RFC 6455 section 7.4) or HTTP status, 0 if there is none
    :ivar name: the gateway's own code for it, ``"AUTH_TOKEN_MISMATCH"``, or ``""``
    :ivar retryable: whether trying the same again later can help
    :ivar retry_after: seconds until then, as the peer or the library says, or ``None``
    :ivar details: what else a program may want to know, as parsed JSON, or ``None``
    """

    def __init__(
        self,
        text: str,
        *,
        status: int = _abi.ERR_INTERNAL,
        actor: str = "none",
        code: int = 0,
        name: str = "",
        retryable: bool = False,
        retry_after: Optional[float] = None,
        details: Any = None,
    ) -> None:
        super().__init__(text)
        self.text = text
        self.status = status
        self.status_name = status_name(status)
        self.actor = actor
        self.code = code
        self.name = name
        self.retryable = retryable
        self.retry_after = retry_after
        self.details = details

    @property
    def idempotency_key(self) -> Optional[str]:
        """The key of an idempotent call that ended without an answer: repeat it with ``idempotent=key``."""
        return self.name if self.name and self.status in _UNANSWERED else None

    def __str__(self) -> str:
        label = self.status_name
        if self.name:
            label += f", {self.name}"
        if self.code:
            label += f", code {self.code}"
        return f"{self.text} [{label}]"


class UsageError(GatewireError, ValueError):
    """An option or an argument is wrong; nothing was done."""


class NotConnectedError(GatewireError, ConnectionError):
    """Not possible now: there is no connection, or it has ended."""


class NetworkError(GatewireError, ConnectionError):
    """The system or the network failed: name, address, lost connection."""


class ConnectTimeoutError(NetworkError, TimeoutError):
    """Name and TCP took longer than ``connect_timeout``."""


class TLSError(GatewireError, ConnectionError):
    """The TLS handshake or a record failed; nothing was sent over it."""


class PinError(TLSError):
    """The certificate matches none of the pins; ``details`` as in :class:`TrustRequest`."""


class TLSTimeoutError(TLSError, TimeoutError):
    """The TLS handshake took longer than ``tls_timeout``."""


class UpgradeError(GatewireError, ConnectionError):
    """The HTTP upgrade was refused (``code`` is the status, ``details`` the answer) or broken."""


class UpgradeTimeoutError(UpgradeError, TimeoutError):
    """The HTTP upgrade took longer than ``upgrade_timeout``."""


class WebSocketError(GatewireError, ConnectionError):
    """The peer broke WebSocket, or closed (``code`` is its close code)."""


class TooBigError(WebSocketError, ValueError):
    """A message above the limit; the text has both numbers."""


class PongTimeoutError(WebSocketError, TimeoutError):
    """The peer did not answer a ping in time."""


class HandshakeError(GatewireError, ConnectionError):
    """Challenge, connect request or hello failed; ``name`` is the gateway's detail code."""


class HandshakeTimeoutError(HandshakeError, TimeoutError):
    """The challenge or the hello did not come in time."""


class TickTimeoutError(GatewireError, ConnectionError, TimeoutError):
    """Nothing arrived for more than two tick intervals."""


class RpcError(GatewireError):
    """A call was answered with an error.

    From a call, ``name`` is the error's code and ``text`` its message.  A handler of :class:`gatewire.Server` raises it
    to reject a request::

        raise gatewire.RpcError("no such agent", name="INVALID_REQUEST", details={"agentId": "main"})

    With ``retry_after`` (seconds) the answer says that the same request may work after that time.
    """

    def __init__(
        self,
        text: str,
        *,
        name: str = "INVALID_REQUEST",
        details: Any = None,
        retry_after: Optional[float] = None,
        retryable: Optional[bool] = None,
        status: int = _abi.ERR_REJECTED,
        actor: str = "none",
        code: int = 0,
    ) -> None:
        super().__init__(
            text,
            status=status,
            actor=actor,
            code=code,
            name=name,
            retryable=retry_after is not None if retryable is None else retryable,
            retry_after=retry_after,
            details=details,
        )


class NotSentError(GatewireError, ConnectionError):
    """A call ended and no byte of it had left the process: it has certainly not run."""


class OutcomeUnknownError(GatewireError, ConnectionError):
    """A call ended after it was sent and before it was answered: it may have run."""


class CallTimeoutError(OutcomeUnknownError, TimeoutError):
    """The time limit of a call passed after it was sent: it may have run."""


class CallCancelledError(GatewireError):
    """A call was ended by this side."""


class FrameError(GatewireError, ValueError):
    """The peer sent something that was ignored: no JSON, no frame, or an answer to no call."""


class SocketIOError(GatewireError, ConnectionError):
    """A Socket.IO server broke the protocol or disconnected a namespace."""


class JoinRefusedError(SocketIOError):
    """A Socket.IO server refused a namespace: ``text`` is its message, ``details`` the data that came with it."""


class SilentServerError(SocketIOError, TimeoutError):
    """A Socket.IO server sent no ping for longer than it said."""


class ResourceError(GatewireError, RuntimeError):
    """A limit was reached; the text names it and has both numbers."""


_CLASSES: dict[int, type[GatewireError]] = {
    _abi.ERR_GONE: NotConnectedError,
    _abi.ERR_STATE: NotConnectedError,
    _abi.ERR_CONNECT_TIMEOUT: ConnectTimeoutError,
    _abi.ERR_TLS_PIN: PinError,
    _abi.ERR_TLS_TIMEOUT: TLSTimeoutError,
    _abi.ERR_UPGRADE_TIMEOUT: UpgradeTimeoutError,
    _abi.ERR_TOO_BIG: TooBigError,
    _abi.ERR_PONG_TIMEOUT: PongTimeoutError,
    _abi.ERR_CHALLENGE_TIMEOUT: HandshakeTimeoutError,
    _abi.ERR_HELLO_TIMEOUT: HandshakeTimeoutError,
    _abi.ERR_TICK_TIMEOUT: TickTimeoutError,
    _abi.ERR_REJECTED: RpcError,
    _abi.ERR_NOT_SENT: NotSentError,
    _abi.ERR_OUTCOME_UNKNOWN: OutcomeUnknownError,
    _abi.ERR_CALL_TIMEOUT: CallTimeoutError,
    _abi.ERR_JSON: FrameError,
    _abi.ERR_FRAME: FrameError,
    _abi.ERR_UNKNOWN_ID: FrameError,
    _abi.ERR_CANCELLED: CallCancelledError,
    _abi.ERR_SIO_PING_TIMEOUT: SilentServerError,
    _abi.ERR_SIO_REFUSED: JoinRefusedError,
}
_GROUPS: dict[int, type[GatewireError]] = {
    1: UsageError,
    2: NetworkError,
    3: TLSError,
    4: UpgradeError,
    5: WebSocketError,
    6: HandshakeError,
    7: SocketIOError,
    9: ResourceError,
}


def actor_name(actor: int) -> str:
    """Who must act, as a word."""
    return _ACTORS.get(actor, "none")


def status_name(status: int) -> str:
    """The stable identifier of a status: ``"GW_ERR_TLS_PIN"``."""
    name: bytes = _abi.lib.gw_status_name(status)
    return name.decode()


def status_text(status: int) -> str:
    """One line that says what a status means."""
    text: bytes = _abi.lib.gw_status_text(status)
    return text.decode()


def error_class(status: int) -> type[GatewireError]:
    """The class that stands for a status."""
    return _CLASSES.get(status) or _GROUPS.get(-status // 100, GatewireError)


def make_error(
    status: int,
    text: str,
    actor: int,
    *,
    code: int = 0,
    name: str = "",
    retryable: bool = False,
    retry_after_ms: int = 0,
    details: Any = None,
) -> GatewireError:
    """An exception from the numbers of an event or of ``gw_context_last_error``."""
    return error_class(status)(
        text or status_text(status),
        status=status,
        actor=actor_name(actor),
        code=code,
        name=name,
        retryable=retryable,
        retry_after=retry_after_ms / 1000 if retry_after_ms else None,
        details=details,
    )
