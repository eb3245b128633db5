"""Which servers are believed: ``trust=`` of :func:`gatewire.connect` and of the WebSocket clients."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable
from ctypes import byref, pointer, sizeof, string_at
from dataclasses import dataclass
from typing import Any, NamedTuple, Optional, Union

from . import _abi
from ._context import Context, Report, from_json
from ._values import PathLike, milliseconds, optional_text, path, text


class TrustRequest(NamedTuple):
    """A server that would be refused for its certificate; the answer is ``True`` to go on with it."""

    #: why it would be refused, in one line
    text: str
    #: ``seen``, ``seenKey``, ``seenCA``, ``seenCAKey`` (SHA-256), ``wanted``, ``subject``, ``issuer``, ``notBefore``,
    #: ``notAfter``, ``names``, ``serverName``, ``chain`` (what the CA check says)
    details: dict[str, Any]

    @property
    def key_pin(self) -> str:
        """The pin of the server's key, to be kept once the connection is open; for ``pins=`` and ``set_pins``."""
        return f"key:{self.details['seenKey'][0]}"


Ask = Callable[[TrustRequest], Union[bool, Awaitable[bool]]]


@dataclass(frozen=True, repr=False)
class Trust:
    """Whom to believe, and how to speak TLS with them (``gw_trust_options``).

    >>> client = await gatewire.connect(url, pins=["key:..."], trust=gatewire.Trust(mode="pin-and-ca"))

    :param mode: ``"ca"``, ``"pin"``, ``"pin-and-ca"`` or ``"pin-or-ca"``; ``None``: ``"pin"`` with pins, else ``"ca"``
    :param ask: trust on first use: asked inside the TLS handshake about a server that would be refused; returns whether
        to believe it, or an awaitable of that (not with :mod:`gatewire.sync`)
    :param answer_timeout: seconds for ``ask``
    :param ca_directory: CA certificates, in place of the system's, under the names that ``openssl rehash`` makes
    :param ca_pem: CA certificates as PEM text, in place of the system's
    :param system_ca: those of the system too
    :param sni: server name to send in place of the one that is verified; ``False``: none
    :param certificate_file: PEM file that is shown to servers that ask for a certificate, leaf first
    :param key_file: PEM file with its key
    :param pkcs12_file: both in one PKCS #12 file
    :param passphrase: of the key or the PKCS #12 file
    :param ciphers: for TLS 1.2, as OpenSSL names them
    :param cipher_suites: for TLS 1.3
    :param groups: of the key exchange
    :param min_version: ``"1.2"`` or ``"1.3"``
    :param max_version: ``"1.2"`` or ``"1.3"``
    :param resumption: ``False``: every handshake is a full one
    :param key_log_file: session secrets are appended to it, for debugging
    """

    mode: Optional[str] = None
    ask: Optional[Ask] = None
    answer_timeout: Optional[float] = None
    ca_directory: Optional[PathLike] = None
    ca_pem: Optional[str] = None
    system_ca: bool = False
    sni: Union[str, bool, None] = None
    certificate_file: Optional[PathLike] = None
    key_file: Optional[PathLike] = None
    pkcs12_file: Optional[PathLike] = None
    passphrase: Optional[str] = None
    ciphers: Optional[str] = None
    cipher_suites: Optional[str] = None
    groups: Optional[str] = None
    min_version: Optional[str] = None
    max_version: Optional[str] = None
    resumption: bool = True
    key_log_file: Optional[PathLike] = None

    def __repr__(self) -> str:
        # It may hold a passphrase.
        return f"<Trust at {id(self):#x}>"


_MODES = {
    None: _abi.TRUST_DEFAULT,
    "ca": _abi.TRUST_CA,
    "pin": _abi.TRUST_PIN,
    "pin-and-ca": _abi.TRUST_PIN_AND_CA,
    "pin-or-ca": _abi.TRUST_PIN_OR_CA,
}
_VERSIONS = {None: 0, "1.2": _abi.TLS_1_2, "1.3": _abi.TLS_1_3}


def _choice(name: str, value: Optional[str], choices: dict[Optional[str], int]) -> int:
    if value not in choices:
        known = ", ".join(repr(key) for key in choices)
        raise ValueError(f"{name} must be one of {known}, not {value!r}")
    return choices[value]


def trust_options(trust: Optional[Trust]) -> Any:
    """A pointer to ``gw_trust_options``, or ``None`` for the default."""
    if trust is None:
        return None
    if trust.sni is True:
        raise ValueError("sni must be a name, False or None, not True")
    options = _abi.TrustOptions()
    _abi.lib.gw_trust_options_init(byref(options))
    options.flags = (
        (_abi.TRUST_ASK if trust.ask else 0)
        | (_abi.TRUST_SYSTEM_CA if trust.system_ca else 0)
        | (0 if trust.resumption else _abi.TRUST_NO_RESUMPTION)
        | (_abi.TRUST_NO_SNI if trust.sni is False else 0)
    )
    options.mode = _choice("mode", trust.mode, _MODES)
    options.answer_timeout_ms = milliseconds("answer_timeout", trust.answer_timeout)
    options.ca_directory = path("ca_directory", trust.ca_directory)
    options.ca_pem = optional_text("ca_pem", trust.ca_pem)
    options.sni = text("sni", trust.sni) if isinstance(trust.sni, str) else None
    options.certificate_file = path("certificate_file", trust.certificate_file)
    options.key_file = path("key_file", trust.key_file)
    options.pkcs12_file = path("pkcs12_file", trust.pkcs12_file)
    options.passphrase = optional_text("passphrase", trust.passphrase)
    options.ciphers = optional_text("ciphers", trust.ciphers)
    options.cipher_suites = optional_text("cipher_suites", trust.cipher_suites)
    options.groups = optional_text("groups", trust.groups)
    options.min_version = _choice("min_version", trust.min_version, _VERSIONS)
    options.max_version = _choice("max_version", trust.max_version, _VERSIONS)
    options.key_log_file = path("key_log_file", trust.key_log_file)
    return pointer(options)


def _answer(context: Context, report: Report, accept: bool) -> None:
    """Answers the question of a report.  That it came too late shows where the connection ends."""
    if context.handle is not None:
        _abi.lib.gw_trust_answer(context.handle, report.subject, 1 if accept else 0)


def ask_now(context: Context, ask: Optional[Ask], report: Report) -> None:
    """Asks at once: for hosts that block.  Only ``True`` accepts; :func:`threading.excepthook` hears of exceptions."""
    accept = False
    try:
        accept = ask is not None and ask(TrustRequest(report.text, from_json(report.payload))) is True
    except Exception as error:
        told = (type(error), error, error.__traceback__, threading.current_thread())
        threading.excepthook(threading.ExceptHookArgs(told))
    _answer(context, report, accept)


class LoopAsker:
    """Asks in tasks of the event loop, which is told of exceptions.  Only ``True`` accepts."""

    def __init__(self, ask: Optional[Ask], loop: asyncio.AbstractEventLoop) -> None:
        self._ask = ask
        self._loop = loop
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, context: Context, report: Report) -> None:
        task = self._loop.create_task(self._run(context, report))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, context: Context, report: Report) -> None:
        accept = False
        try:
            if self._ask is not None:
                answered = self._ask(TrustRequest(report.text, from_json(report.payload)))
                accept = (await answered if inspect.isawaitable(answered) else answered) is True
        except Exception as error:
            self._loop.call_exception_handler({"message": "ask of Trust failed", "exception": error})
        finally:
            _answer(context, report, accept)


class TlsState(NamedTuple):
    """What TLS agreed on."""

    #: ``TLSv1.3``
    version: str
    #: ``TLS_AES_128_GCM_SHA256``
    cipher: str
    #: ``x25519``; empty if the session was resumed without a new key exchange
    group: str
    #: an earlier session goes on, and ``chain`` is that one's
    resumed: bool
    #: the certificates that the peer showed, as PEM, leaf first
    chain: str


def read_tls(context: Context, function: Any, at: tuple[int, ...]) -> Optional[TlsState]:
    """What TLS agreed on at a handle or a connection; ``None`` if there is none, or one without TLS."""
    state = _abi.TlsState()
    state.struct_size = sizeof(state)
    if not at:
        return None
    status = function(*at, byref(state))
    if status in (_abi.ERR_STATE, _abi.ERR_GONE):
        return None
    context.check(status)

    def taken(slice_: Any) -> str:
        return string_at(slice_.ptr, slice_.len).decode("ascii", "replace") if slice_.len else ""

    return TlsState(
        taken(state.version), taken(state.cipher), taken(state.group), bool(state.resumed), taken(state.chain)
    )
