"""What a client proves itself with: ``credentials=`` of :func:`gatewire.connect`, and :class:`Credentials`."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable
from ctypes import byref
from dataclasses import dataclass, fields
from typing import Any, Optional, Union

from . import _abi
from ._context import Context, Report
from ._values import optional_text


@dataclass(frozen=True, repr=False)
class Credentials:
    """What a client proves itself with (``gw_credentials``).  What is left out, the client does not have any more.

    :param token: shared token of the gateway
    :param bootstrap_token: pairs this device once
    :param device_token: issued by the gateway, in place of the one that the library has stored
    :param password: shared password of the gateway
    :param approval_runtime_token: for gateways of protocol 4
    :param agent_identity_token: for gateways of protocol 4
    """

    token: Optional[str] = None
    bootstrap_token: Optional[str] = None
    device_token: Optional[str] = None
    password: Optional[str] = None
    approval_runtime_token: Optional[str] = None
    agent_identity_token: Optional[str] = None

    def __repr__(self) -> str:
        return f"<Credentials at {id(self):#x}>"


AskCredentials = Callable[[], Union[Optional[Credentials], Awaitable[Optional[Credentials]]]]


def _struct(credentials: Credentials) -> Any:
    given = _abi.Credentials()
    _abi.lib.gw_credentials_init(byref(given))
    for field in fields(credentials):
        setattr(given, field.name, optional_text(field.name, getattr(credentials, field.name)))
    return given


def set_credentials(context: Context, handle: int, credentials: Credentials) -> None:
    context.check(_abi.lib.gw_client_set_credentials(handle, byref(_struct(credentials))))


def _answer(context: Context, handle: Optional[int], report: Report, answered: Any) -> None:
    """Answers the question of a report.  That it came too late shows where the attempt ends."""
    if handle is None:
        return
    given = None
    if isinstance(answered, Credentials):
        given = byref(_struct(answered))
    elif answered is not None:
        raise TypeError(f"credentials must give Credentials or None, not {type(answered).__name__}")
    status = _abi.lib.gw_client_answer_credentials(handle, report.subject, given)
    if status not in (_abi.OK, _abi.ERR_GONE):
        context.fail(status)
    context.flush()


def ask_now(context: Context, handle: Optional[int], ask: Optional[AskCredentials], report: Report) -> None:
    """Asks at once: for hosts that block.  :func:`threading.excepthook` hears of exceptions."""
    try:
        _answer(context, handle, report, ask() if ask is not None else None)
    except Exception as error:
        told = (type(error), error, error.__traceback__, threading.current_thread())
        threading.excepthook(threading.ExceptHookArgs(told))
        _answer(context, handle, report, None)


class LoopCredentials:
    """Asks in tasks of the event loop, which is told of exceptions."""

    def __init__(self, ask: Optional[AskCredentials], loop: asyncio.AbstractEventLoop) -> None:
        self._ask = ask
        self._loop = loop
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, context: Context, handle: Callable[[], Optional[int]], report: Report) -> None:
        """``handle``: of the client, while it has one."""
        task = self._loop.create_task(self._run(context, handle, report))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, context: Context, handle: Callable[[], Optional[int]], report: Report) -> None:
        try:
            answered = self._ask() if self._ask is not None else None
            _answer(context, handle(), report, await answered if inspect.isawaitable(answered) else answered)
        except Exception as error:
            self._loop.call_exception_handler({"message": "credentials of connect failed", "exception": error})
            _answer(context, handle(), report, None)
