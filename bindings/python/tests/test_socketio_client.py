"""The Socket.IO client for asyncio against a server of python-socketio."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import socketio_peer
from conftest import both_loops as event_loop_policy  # noqa: F401
from helpers import soon

import gatewire
from gatewire import socketio


@pytest_asyncio.fixture
async def url() -> AsyncIterator[str]:
    async with socketio_peer.serving() as url:
        yield url


def collect(sio: socketio.Client, event: str, namespace: str | None = None) -> asyncio.Queue[Any]:
    """What a handler of the event is given, a tuple each."""
    queue: asyncio.Queue[Any] = asyncio.Queue()
    sio.on(event, lambda *arguments: queue.put_nowait(arguments), namespace)
    return queue


async def test_join_and_leave(url: str, no_leaks: None) -> None:
    sio = socketio.connect(url)
    connects, disconnects, welcomes = (collect(sio, name) for name in ("connect", "disconnect", "welcome"))
    assert not sio.connected
    assert await soon(sio) is sio
    assert sio.connected
    assert sio.sid
    assert sio.namespaces == {"/": sio.sid}
    assert sio.get_sid("/chat") is None
    assert await soon(welcomes.get()) == ("/",)
    assert await soon(connects.get()) == ()
    await soon(sio.disconnect())
    await soon(sio.disconnect())
    assert await soon(disconnects.get()) == ("io client disconnect",)
    assert not sio.connected
    assert sio.sid is None
    await soon(sio.wait())
    with pytest.raises(gatewire.NotConnectedError):
        await sio.emit("late")


@pytest.mark.parametrize(
    "data, answer",
    [
        (None, None),
        ("text", "text"),
        ("é\U0001f600", "é\U0001f600"),
        ((1, {"a": [True, None]}), (1, {"a": [True, None]})),
        ([1, 2], [1, 2]),
        (b"\0\1", b"\0\1"),
        (bytearray(b"ba"), b"ba"),
        (memoryview(b"view"), b"view"),
        ({"deep": [b"first", {"more": (b"", b"x" * 5000)}]}, {"deep": [b"first", {"more": [b"", b"x" * 5000]}]}),
        ({"_placeholder": True, "num": 0}, {"_placeholder": True, "num": 0}),
    ],
    ids=repr,
)
async def test_arguments_go_both_ways(url: str, data: Any, answer: Any) -> None:
    async with socketio.connect(url) as sio:
        assert await soon(sio.call("echo", data)) == answer


async def test_many_at_once_keep_what_is_theirs(url: str) -> None:
    sent = [(n, "é" * n, [b"%d" % n] * (n % 4), "x" * (n * 300)) for n in range(100)]
    async with socketio.connect(url) as sio:
        assert await soon(asyncio.gather(*(sio.call("echo", each) for each in sent))) == sent


async def test_what_cannot_be_sent_is_refused(url: str) -> None:
    async with socketio.connect(url) as sio:
        for wrong in (object(), float("nan"), {"a": {1, 2}}, {b"key": 1}):
            with pytest.raises((TypeError, ValueError)):
                await sio.emit("echo", wrong)
        for event in ("connect", "disconnect", "newListener"):
            with pytest.raises(gatewire.UsageError):
                await sio.emit(event)
        with pytest.raises(gatewire.NotConnectedError, match="/none is none of the namespaces: /"):
            await sio.emit("echo", namespace="/none")
        with pytest.raises(gatewire.ResourceError):
            await sio.emit("echo", [b""] * 11)


async def test_callback_of_an_acknowledgement(url: str) -> None:
    answers: asyncio.Queue[Any] = asyncio.Queue()
    async with socketio.connect(url) as sio:
        assert await sio.emit("echo", (1, b"2"), callback=lambda *arguments: answers.put_nowait(arguments))
        assert await soon(answers.get()) == (1, b"2")


@pytest.mark.parametrize("answer, told", [(None, ()), ("yes", ("yes",)), ((1, b"2"), (1, b"2")), ([3], ([3],))])
@pytest.mark.parametrize("asynchronous", [False, True])
async def test_the_result_of_a_handler_acknowledges(url: str, asynchronous: bool, answer: Any, told: Any) -> None:
    sio = socketio.connect(url)
    answered = collect(sio, "answered")

    if asynchronous:

        @sio.on("question")
        async def later(*arguments: Any) -> Any:
            await asyncio.sleep(0)
            assert arguments == (1, b"q")
            return answer

    else:

        @sio.on("question")
        def at_once(*arguments: Any) -> Any:
            assert arguments == (1, b"q")
            return answer

    async with sio:
        await sio.emit("ask", (1, b"q"))
        assert await soon(answered.get()) == told


async def test_an_event_without_a_handler_goes_to_the_star(url: str) -> None:
    sio = socketio.connect(url)
    others = collect(sio, "*")
    async with sio:
        assert await soon(others.get()) == ("welcome", "/")


async def test_a_handler_that_fails_is_told_to_the_loop(url: str) -> None:
    failures: asyncio.Queue[Any] = asyncio.Queue()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.put_nowait(context))
    sio = socketio.connect(url)

    @sio.on("welcome")
    def welcome(_: str) -> None:
        raise RuntimeError("no")

    async with sio:
        context = await soon(failures.get())
        assert context["message"] == "handler of 'welcome' failed"
        assert await soon(sio.call("echo", 1)) == 1


async def test_namespaces_share_a_connection(url: str) -> None:
    sio = socketio.connect(url, namespaces=["/", "/chat"], auth={"user": "ä"})
    welcome, chat = collect(sio, "welcome"), collect(sio, "welcome", "/chat")
    async with sio:
        assert await soon(welcome.get()) == ("/",)
        assert await soon(chat.get()) == ("/chat",)
        assert set(sio.namespaces) == {"/", "/chat"}
        assert await soon(sio.call("who", namespace="/chat")) == {"user": "ä"}
        assert await soon(sio.call("who")) == {"user": "ä"}


async def test_the_path_of_the_url_is_the_namespace(url: str) -> None:
    async with socketio.connect(f"{url}/chat?a=b", auth={"user": "u"}) as sio:
        assert list(sio.namespaces) == ["/chat"]
        assert await soon(sio.call("who")) == {"user": "u"}


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_auth_is_asked_for(url: str, asynchronous: bool) -> None:
    async def later() -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"token": "t"}

    async with socketio.connect(url, auth=later if asynchronous else lambda: {"token": "t"}) as sio:
        assert await soon(sio.call("who")) == {"token": "t"}


async def test_auth_that_fails_ends_the_join(url: str, no_leaks: None) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda _, context: None)

    def auth() -> dict[str, Any]:
        raise KeyError("no token")

    with pytest.raises(gatewire.GatewireError, match="no token") as caught:
        await soon(socketio.connect(url, auth=auth))
    assert caught.value.status_name == "GW_ERR_CREDENTIALS"
    assert isinstance(caught.value.__cause__, KeyError)


async def test_a_refusal_carries_the_servers_data(url: str, no_leaks: None) -> None:
    sio = socketio.connect(url, auth={"refuse": True})
    errors = collect(sio, "connect_error")
    with pytest.raises(gatewire.JoinRefusedError, match="not authorized") as caught:
        await soon(sio)
    assert caught.value.details == {"code": 401}
    assert (await soon(errors.get()))[0].details == {"code": 401}
    await soon(sio.disconnect())


async def test_the_server_disconnects(url: str, no_leaks: None) -> None:
    sio = socketio.connect(url)
    disconnects = collect(sio, "disconnect")
    async with sio:
        await sio.emit("kick")
        with pytest.raises(gatewire.SocketIOError) as caught:
            await soon(sio.wait())
        assert caught.value.status_name == "GW_ERR_SIO_DISCONNECTED"
        assert await soon(disconnects.get()) == ("io server disconnect",)


async def test_after_a_restart_it_joins_anew_and_sends_what_was_kept() -> None:
    tokens = iter(range(100))
    async with socketio_peer.serving() as url:
        sio = socketio.connect(url, auth=lambda: {"token": next(tokens)}, reconnect_initial=0.01, jitter=0)
        connects, disconnects = collect(sio, "connect"), collect(sio, "disconnect")
        await soon(sio)
        await soon(connects.get())
        first = sio.sid
        assert await soon(sio.call("who")) == {"token": 0}
    assert await soon(disconnects.get()) in (("transport close",), ("transport error",))
    assert not sio.connected
    assert await sio.emit("dropped", volatile=True) is False
    errors = collect(sio, "connect_error")
    assert (await soon(errors.get()))[0].status_name == "GW_ERR_CONNECT"
    kept = asyncio.ensure_future(sio.call("echo", "kept"))
    async with socketio_peer.serving(int(url.rpartition(":")[2])):
        assert await soon(kept) == "kept"
        await soon(connects.get())
        assert sio.sid != first
        assert not sio.recovered
        assert (await soon(sio.call("who")))["token"] >= 1
        await soon(sio.disconnect())


async def test_a_call_has_a_time_limit(url: str) -> None:
    async with socketio.connect(url) as sio:
        with pytest.raises(gatewire.CallTimeoutError):
            await sio.call("nobody listens", timeout=0.05)


async def test_cancelling_the_waiter_ends_the_call(url: str) -> None:
    async with socketio.connect(url) as sio:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(sio.call("nobody listens"), 0.05)
        assert await soon(sio.call("echo", 1)) == 1


async def test_nobody_listens_there(no_leaks: None) -> None:
    async with socketio_peer.serving() as url:
        pass
    with pytest.raises(gatewire.NetworkError):
        await soon(socketio.connect(url))


async def test_wrong_options() -> None:
    for wrong in ({"namespaces": "/"}, {"namespaces": []}, {"plaintext": "yes"}, {"jitter": 2}, {"event_limit": 0}):
        with pytest.raises((TypeError, ValueError)):
            socketio.connect("http://127.0.0.1:1", **wrong)  # type: ignore[arg-type]
    with pytest.raises(gatewire.UsageError):
        socketio.connect("http://127.0.0.1:1", namespaces=["/a,b"])
    with pytest.raises(gatewire.UsageError):
        socketio.connect("http://example.com")
    assert "namespaces" in inspect.signature(socketio.connect).parameters
