"""The doctor that blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

from .._context import Context
from .._doctor import Examination, Step
from .._options import client_setup
from ._poller import Poller


def doctor(
    url: str, *, tick: bool = True, on_step: Optional[Callable[[Step], object]] = None, **options: Any
) -> list[Step]:
    """Connects once and tells how each step went.  As :func:`gatewire.doctor`."""
    setup = client_setup(url, **options)
    context = Context(takeover_ms=setup.takeover_ms)
    try:
        running = Examination(context, setup, tick)
        poller = Poller(context, running._on_lost)
        told = 0

        def has_news() -> bool:
            return running.done or told < len(running.steps)

        while not running.done or told < len(running.steps):
            poller.wait(has_news, None)
            for step in running.steps[told:]:
                told += 1
                if on_step is not None:
                    on_step(step)
    finally:
        context.free()
    if running.lost is not None:
        raise running.lost
    return running.steps
