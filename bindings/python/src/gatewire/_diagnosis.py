"""The doctor for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Optional

from ._context import Report
from ._doctor import Examination, Step
from ._loop import LoopContext, running_context
from ._options import ClientSetup, client_setup
from .errors import GatewireError


class _Running(Examination):
    """Tells a future when it is done."""

    def __init__(
        self, context: LoopContext, setup: ClientSetup, tick: bool, on_step: Optional[Callable[[Step], object]]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_step = on_step
        self.ended: asyncio.Future[None] = self._loop.create_future()
        super().__init__(context, setup, tick)

    def _on_report(self, report: Report) -> None:
        super()._on_report(report)
        if self.done:
            self._end()
        elif self._on_step is not None:
            self._loop.call_soon(self._on_step, self.steps[-1])

    def _on_lost(self, error: GatewireError) -> None:
        super()._on_lost(error)
        self._end()

    def _end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


async def doctor(
    url: str, *, tick: bool = True, on_step: Optional[Callable[[Step], object]] = None, **options: Any
) -> list[Step]:
    """Connects once and tells how each step went: whether a gateway can be reached, and if not, why and who must act::

        for step in await gatewire.doctor("wss://gateway.example", pins=[pin], token=token, identity_file=path):
            print(step.name, step.result, step.text)

    :param tick: ``False``: be content with the hello, and do not wait for the gateway's first tick
    :param on_step: called with each :class:`Step` as it is judged
    :param options: those of :func:`connect`; without ``identity_file`` the gateway sees a device that it does not know
    :raises UsageError: an option is wrong; that nothing can be reached is no exception but a step that has failed

    Cancelling the task that waits ends it.
    """
    setup = client_setup(url, **options)
    context = running_context(setup.takeover_ms)
    try:
        running = _Running(context, setup, tick, on_step)
    except GatewireError:
        context.release(0)
        raise
    try:
        await running.ended
    finally:
        running.cancel()
        context.release(running.source)
    if running.lost is not None:
        raise running.lost
    return running.steps
