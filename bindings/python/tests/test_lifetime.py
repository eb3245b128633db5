"""Nothing is left behind: descriptors, threads, tasks; whichever way a program ends."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import warnings
from typing import Any

import pytest
from helpers import TOKEN, add_methods, soon

import gatewire
from gatewire import _loop


@pytest.fixture(autouse=True)
def no_default_loop() -> None:
    """The loop that the test runner leaves for synchronous tests is none of ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        asyncio.set_event_loop(None)
        gc.collect()


async def _session() -> None:
    async with gatewire.serve(token=TOKEN) as server:
        add_methods(server)
        async with gatewire.connect(server.url, pins=[server.pin], token=TOKEN) as client:
            assert await client.call("echo", 1) == 1


def test_fifty_loops_in_a_row(no_leaks: None) -> None:
    for _ in range(50):
        asyncio.run(_session())
    assert len(_loop._contexts) == 0


def test_loops_in_several_threads(no_leaks: None) -> None:
    errors: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(_session())
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []


def test_a_loop_that_ends_with_open_clients(no_leaks: None) -> None:
    async def forget() -> None:
        server = await gatewire.serve(token=TOKEN)
        await gatewire.connect(server.url, pins=[server.pin], token=TOKEN)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(forget())
        gc.collect()
    assert {str(w.message).split(" object")[0].lstrip("<") for w in caught if w.category is ResourceWarning} == {
        "gatewire.client.Client",
        "gatewire.server.Server",
    }
    assert len(_loop._contexts) == 0


def test_cancelling_main_closes_what_is_open(no_leaks: None) -> None:
    async def main() -> None:
        async with gatewire.serve(token=TOKEN) as server:
            async with gatewire.connect(server.url, pins=[server.pin], token=TOKEN):
                asyncio.get_running_loop().call_later(0.01, asyncio.current_task().cancel)  # type: ignore[union-attr]
                await asyncio.get_running_loop().create_future()

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())


async def test_closing_with_calls_and_readers_waiting(server: gatewire.Server, no_leaks: None) -> None:
    client = await gatewire.connect(server.url, pins=[server.pin], token=TOKEN)

    async def read(stream: Any) -> int:
        return len([item async for item in stream])

    waiting: list[asyncio.Future[Any]] = [
        asyncio.ensure_future(client.call("never")),
        asyncio.ensure_future(read(client.events())),
        asyncio.ensure_future(read(client.notices())),
        asyncio.ensure_future(client.wait_closed()),
    ]
    await client.call("echo")
    await soon(client.close())
    results = await soon(asyncio.gather(*waiting, return_exceptions=True))
    assert isinstance(results[0], gatewire.OutcomeUnknownError)
    assert results[2:] == [2, None]


async def test_a_context_lives_as_long_as_it_has_owners(server: gatewire.Server) -> None:
    contexts = len(_loop._contexts)
    client = await gatewire.connect(server.url, pins=[server.pin], token=TOKEN)
    assert client._context is server._context
    await client.close()
    assert len(_loop._contexts) == contexts


def _run(program: str, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, *options, "-c", program], env=environment, capture_output=True, text=True, timeout=30
    )


PROGRAM = """
import asyncio, gatewire, gatewire.sync, os, signal, sys, threading

async def main():
    server = await gatewire.serve(token="t")
    client = await gatewire.connect(server.url, pins=[server.pin], token="t")
    {body}

asyncio.run(main())
"""


def test_a_program_that_just_ends() -> None:
    done = _run(PROGRAM.format(body="sys.exit(7)"), "-X", "dev")
    assert done.returncode == 7, done.stderr
    assert "Exception ignored" not in done.stderr


def test_nothing_is_installed_in_the_process() -> None:
    body = """
    handlers = {n: signal.getsignal(n) for n in range(1, 32) if n not in (signal.SIGKILL, signal.SIGSTOP)}
    mine = {signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ}
    bad = [n for n, h in handlers.items() if h is None or (n not in mine and h is not signal.SIG_DFL)]
    assert not bad, bad
    assert threading.active_count() == 1
    assert len(os.listdir("/proc/self/task")) == 2  # the one that steps in while the loop is held up
    for fd in os.listdir("/proc/self/fd"):
        if int(fd) > 2:
            try:
                assert not os.get_inheritable(int(fd)), fd
            except OSError:
                pass
    await client.close()
    await server.close()
"""
    done = _run(PROGRAM.format(body=body))
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert done.stderr == ""


def test_a_forked_child_is_told() -> None:
    body = """
    pid = os.fork()
    if pid == 0:
        try:
            client.state()
            await client.call("echo")
        except gatewire.GatewireError as error:
            os._exit(0 if error.status_name == "GW_ERR_FORKED" else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert (await client.call("health"))["ok"]
    await client.close()
    await server.close()
"""
    done = _run(PROGRAM.format(body=body))
    assert done.returncode == 0, done.stderr
