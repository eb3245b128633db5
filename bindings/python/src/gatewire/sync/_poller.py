"""Waiting without an event loop: one of the threads that wait polls the context, the others are told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Optional

from .. import _abi
from .._context import Context
from ..errors import GatewireError

# Python runs signal handlers (Ctrl-C) only between two calls into C, so the main thread comes back this often.
_SIGNAL_SLICE_MS = 250
_LONG_MS = 3_600_000


class Poller:
    """Polls a context for whoever waits.  Events are handed out, and states are looked at, while the lock is held."""

    def __init__(self, context: Context, lost: Callable[[GatewireError], None]) -> None:
        self.lock = threading.Condition()
        self._context = context
        self._lost = lost
        self._polling = False

    def wait(self, done: Callable[[], bool], timeout: Optional[float]) -> bool:
        """Waits until something is so, polling unless another thread does already.  Whether it is so.

        :param timeout: seconds; ``None``: as long as it takes
        """
        deadline = None if timeout is None else monotonic() + timeout
        longest = _SIGNAL_SLICE_MS if threading.current_thread() is threading.main_thread() else _LONG_MS
        while True:
            left = None if deadline is None else deadline - monotonic()
            with self.lock:
                if done():
                    return True
                if self._polling:
                    if left is not None and left <= 0:
                        return False
                    self.lock.wait(left)
                    continue
                self._polling = True
            try:
                self._poll_once(longest if left is None else max(0, min(longest, int(left * 1000) + 1)))
            finally:
                with self.lock:
                    self._polling = False
                    self.lock.notify_all()
            if left is not None and left <= 0:
                return done()

    def _poll_once(self, timeout_ms: int) -> None:
        try:
            count = self._context.poll(timeout_ms)
        except GatewireError as error:
            with self.lock:
                self._lost(error)
            raise
        if count:
            with self.lock:
                self._context.dispatch(count)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Holds the lock while nobody polls, so that the context can be freed."""
        with self.lock:
            while self._polling:
                _abi.lib.gw_context_wake(self._context.handle)
                self.lock.wait()
            yield
