"""Fixtures that all tests share."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import threading
import time
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from certificates import Authority, Certificate

REPOSITORY = Path(__file__).resolve().parents[3]
os.environ.setdefault("GATEWIRE_LIBRARY", str(REPOSITORY / "build/libgatewire.so"))

from helpers import SOON, TOKEN, ThreadedServer, add_methods  # noqa: E402, the library is found by what stands above

import gatewire  # noqa: E402


def vectors(name: str) -> Any:
    """The vectors of a file, ``"openclaw/frames.json"``."""
    return json.loads((REPOSITORY / "Tests/Vectors" / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A CA of the tests."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def certificate(authority: Authority) -> Certificate:
    """A valid certificate for this machine."""
    return authority.issue("localhost", "127.0.0.1", "::1")


def open_descriptors() -> dict[str, str]:
    """The descriptors of this process and what they are."""
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[name] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue  # the one of the listing itself
    return found


def kernel_threads() -> set[tuple[str, str]]:
    """The threads of this process as the kernel sees them, by number and name."""
    found = set()
    for number in os.listdir("/proc/self/task"):
        try:
            name = Path(f"/proc/self/task/{number}/comm").read_text().strip()
        except OSError:
            continue  # it has just ended
        if not name.startswith("iou-"):  # io_uring's, which uvloop uses
            found.add((number, name))
    return found


@pytest.fixture
def no_leaks() -> Iterator[None]:
    """After the test there are no more descriptors and threads than before."""
    with warnings.catch_warnings():  # what earlier tests have left is not the matter of this one
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    before, threads = open_descriptors(), threading.active_count()
    tasks = kernel_threads()
    yield
    gc.collect()
    deadline = time.monotonic() + SOON
    # A server on another thread may still be hearing that its peer has gone.
    while len(open_descriptors()) > len(before) and time.monotonic() < deadline:
        time.sleep(0.005)
    after = open_descriptors()
    assert len(after) <= len(before), sorted(set(after.items()) - set(before.items()))
    assert threading.active_count() <= threads
    assert kernel_threads() <= tasks


@pytest.fixture(params=["asyncio", "uvloop"])
def both_loops(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoopPolicy:
    """Imported as ``event_loop_policy``: the tests of a module run on both loops."""
    if request.param == "uvloop":
        import uvloop

        policy: asyncio.AbstractEventLoopPolicy = uvloop.EventLoopPolicy()
        return policy
    return asyncio.DefaultEventLoopPolicy()


@pytest_asyncio.fixture
async def server() -> AsyncIterator[gatewire.Server]:
    """An embedded gateway with a certificate and the methods of the tests."""
    async with gatewire.serve(token=TOKEN) as server:
        add_methods(server)
        yield server


@pytest_asyncio.fixture
async def client(server: gatewire.Server) -> AsyncIterator[gatewire.Client]:
    """A client of that gateway."""
    async with gatewire.connect(server.url, pins=[server.pin], token=TOKEN) as client:
        yield client


@pytest.fixture
def threaded_server() -> Iterator[ThreadedServer]:
    """The same gateway on a thread of its own, for blocking clients."""
    with ThreadedServer() as server:
        yield server
