"""Wrong arguments: an exception from Python or a status from the library, never anything else."""

from __future__ import annotations

import math
from collections.abc import Callable
from ctypes import byref, c_char, c_uint64, c_void_p, sizeof
from typing import Any

import pytest

import gatewire
from gatewire import _abi, sync
from gatewire._abi import lib

URL = "wss://127.0.0.1:1"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"pins": "ab" * 32}, TypeError),  # a text is no list of texts
        ({"scopes": "operator.read"}, TypeError),
        ({"tokn": "x"}, TypeError),
        ({"token": 7}, (TypeError, AttributeError)),
        ({"token": "a\0b"}, ValueError),
        ({"server_name": "a\0b"}, ValueError),
        ({"ca_file": "a\0b"}, ValueError),
        ({"connect_timeout": -1}, ValueError),
        ({"connect_timeout": math.nan}, ValueError),
        ({"connect_timeout": 1e10}, ValueError),
        ({"max_calls": -1}, ValueError),
        ({"max_calls": 2**32}, ValueError),
        ({"event_limit": 0}, ValueError),
        ({"plaintext": "yes"}, ValueError),
        ({"ca_file": "/nonexistent/ca.pem"}, gatewire.UsageError),
        ({"identity_file": "/proc/nonexistent/identity"}, gatewire.UsageError),
        ({"min_protocol": 5, "max_protocol": 4}, gatewire.UsageError),
        ({"headers": {"": "x"}}, gatewire.UsageError),
        ({"headers": {"X Y": "x"}}, gatewire.UsageError),
    ],
    ids=str,
)
async def test_connect_refuses(options: dict[str, Any], expected: Any) -> None:
    with pytest.raises(expected):
        await gatewire.connect(URL, **options)
    with pytest.raises(expected):
        sync.connect(URL, **options)


@pytest.mark.parametrize(
    "url",
    [
        "wss://",
        "http//x",
        "ftp://127.0.0.1",
        "127.0.0.1:80",
        "wss://127.0.0.1:99999",
        "wss://127.0.0.1:x",
        "wss://a b",
        "wss://[::1",
        "wss://user:pw@",
    ],
)
async def test_urls_that_are_none(url: str) -> None:
    with pytest.raises(gatewire.UsageError) as caught:
        await gatewire.connect(url)
    assert (caught.value.status_name, caught.value.actor) == ("GW_ERR_URL", "program")
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"portt": 1}, TypeError),
        ({"port": -1}, ValueError),
        ({"port": 70_000}, gatewire.GatewireError),
        ({"address": "not an address"}, gatewire.GatewireError),
        ({"address": "192.0.2.1"}, gatewire.NetworkError),
        ({"certificate_file": "/nonexistent.pem", "key_file": "/nonexistent.key"}, gatewire.UsageError),
        ({"certificate_file": __file__, "key_file": __file__}, gatewire.UsageError),
        ({"certificate_file": "/nonexistent.pem"}, gatewire.UsageError),
        ({"plaintext": True, "address": "0.0.0.0"}, gatewire.UsageError),
        ({"protocol": 2}, gatewire.UsageError),
        ({"names": "localhost"}, TypeError),
        ({"tick_interval": -1.0}, ValueError),
    ],
    ids=str,
)
async def test_serve_refuses(options: dict[str, Any], expected: Any) -> None:
    with pytest.raises(expected):
        await gatewire.serve(**options)


@pytest.mark.parametrize(
    ("arguments", "options", "expected"),
    [
        (("",), {}, gatewire.UsageError),
        (("a\0b",), {}, ValueError),
        (("echo", "{"), {}, gatewire.UsageError),
        (("echo", b"\xff"), {}, gatewire.UsageError),
        (("echo", "1 2"), {}, gatewire.UsageError),
        (("echo", "[" * 100_000), {}, gatewire.UsageError),
        (("echo", {1, 2}), {}, TypeError),
        (("echo", math.nan), {}, ValueError),
        (("echo", "\ud800"), {}, ValueError),
        (("echo",), {"timeout": -1}, ValueError),
        (("echo",), {"time": 1}, TypeError),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_call_refuses(client: gatewire.Client, arguments: Any, options: Any, expected: Any) -> None:
    with pytest.raises(expected):
        await client.call(*arguments, **options)
    assert client.state().calls_in_flight == 0


async def test_close_refuses_codes_that_must_not_be_sent(client: gatewire.Client) -> None:
    for code in (1, 999, 1004, 1005, 1006, 1015, 2999, 5000):
        with pytest.raises(gatewire.UsageError):
            await client.close(code)
    with pytest.raises(gatewire.UsageError):
        await client.close(1000, "x" * 124)
    assert await client.call("echo", 1) == 1


async def test_server_functions_refuse(server: gatewire.Server, client: gatewire.Client) -> None:
    with pytest.raises(gatewire.UsageError):
        server.push("")
    with pytest.raises(gatewire.UsageError):
        server.push("chat", "{")
    with pytest.raises(gatewire.NotConnectedError):
        server.push("chat", {}, connection=0xDEAD_BEEF_DEAD)
    with pytest.raises(gatewire.NotConnectedError):
        server.disconnect(0xDEAD_BEEF_DEAD)
    with pytest.raises(gatewire.UsageError):
        server.disconnect(next(iter(server.peers)), 1006)


# --- the C functions themselves ---


def _pointer_arguments() -> list[tuple[str, list[Any]]]:
    return [
        (name, arguments)
        for name, (_, arguments) in _abi.PROTOTYPES.items()
        if arguments and name not in ("gw_status_name", "gw_status_text", "gw_event_type_name", "gw_struct_size")
    ]


@pytest.mark.parametrize(("name", "arguments"), _pointer_arguments(), ids=lambda value: str(value)[:30])
def test_null_everywhere(name: str, arguments: list[Any]) -> None:
    values = [0 if hasattr(kind, "value") and kind is not c_void_p and _is_number(kind) else None for kind in arguments]
    result = getattr(lib, name)(*values)
    restype = _abi.PROTOTYPES[name][0]
    if restype is not None and restype._type_ == "i" and name != "gw_context_fd":
        assert result in (_abi.ERR_ARGUMENT, _abi.OK)
        if name != "gw_context_new":
            assert result == _abi.ERR_ARGUMENT
    elif name == "gw_context_fd":
        assert result == -1
    else:
        assert not result


def _is_number(kind: Any) -> bool:
    return getattr(kind, "_type_", None) in ("I", "i", "L", "l", "Q", "q", "B")


EVENT_FLAGS = (
    *("EVENT_RETRYABLE", "EVENT_SKIPPED", "EVENT_PART", "EVENT_CLEAN", "EVENT_PEER_FIRST", "EVENT_PAUSED"),
    *("EVENT_RECOVERED", "EVENT_FORMAT"),
)


def test_status_and_event_names() -> None:
    for name in dir(_abi):
        value = getattr(_abi, name)
        if name.startswith("ERR_"):
            assert lib.gw_status_name(value) == f"GW_{name}".encode()
            assert lib.gw_status_text(value)
            assert issubclass(gatewire.errors.error_class(value), gatewire.GatewireError)
        elif name.startswith("EVENT_") and name not in EVENT_FLAGS:
            assert lib.gw_event_type_name(value) == f"GW_{name}".encode()
    assert lib.gw_status_name(0) == b"GW_OK"
    assert lib.gw_status_name(-12345) == b"GW_ERR_UNKNOWN"
    assert lib.gw_event_type_name(12345) == b"GW_EVENT_UNKNOWN"
    assert lib.gw_struct_size(999) == 0


@pytest.fixture
def context() -> Any:
    handle = c_void_p()
    assert lib.gw_context_new(None, byref(handle)) == _abi.OK
    yield handle
    lib.gw_context_free(handle)


@pytest.mark.parametrize("size", [0, 4, 8])
def test_short_structs_are_refused(context: Any, size: int) -> None:
    out = c_void_p()
    cases: list[tuple[Any, Callable[[Any], int]]] = [
        (_abi.ContextOptions(), lambda o: lib.gw_context_new(o, byref(out))),
        (_abi.ClientOptions(url=URL.encode()), lambda o: lib.gw_client_open(context, o, byref(out))),
        (_abi.ServerOptions(), lambda o: lib.gw_server_open(context, o, byref(out))),
    ]
    for options, function in cases:
        options.struct_size = size
        assert function(byref(options)) == _abi.ERR_STRUCT_SIZE
        assert not out
    error = _abi.Error(struct_size=size)
    assert lib.gw_context_last_error(context, byref(error)) == _abi.ERR_STRUCT_SIZE


def test_a_larger_struct_with_a_tail_of_zeros_is_taken(context: Any) -> None:
    room = (c_char * (sizeof(_abi.ServerOptions) + 64))()
    options = _abi.ServerOptions.from_buffer(room)
    lib.gw_server_options_init(byref(options))
    options.flags = _abi.SERVER_PLAINTEXT
    options.struct_size = len(room)
    out = c_void_p()
    assert lib.gw_server_open(context, byref(options), byref(out)) == _abi.OK
    lib.gw_server_free(out)
    room[len(room) - 1] = b"\1"
    assert lib.gw_server_open(context, byref(options), byref(out)) == _abi.ERR_STRUCT_SIZE


def test_unknown_flags_are_refused(context: Any) -> None:
    out = c_void_p()
    cases: list[tuple[Any, Callable[[Any], None], Callable[[Any], int]]] = [
        (_abi.ContextOptions(), lib.gw_context_options_init, lambda o: lib.gw_context_new(o, byref(out))),
        (
            _abi.ClientOptions(),
            lib.gw_client_options_init,
            lambda o: lib.gw_client_open(context, o, byref(out)),
        ),
        (_abi.ServerOptions(), lib.gw_server_options_init, lambda o: lib.gw_server_open(context, o, byref(out))),
    ]
    for options, initialize, function in cases:
        initialize(byref(options))
        if hasattr(options, "url"):
            options.url = URL.encode()
        options.flags = 1 << 30
        assert function(byref(options)) == _abi.ERR_FLAGS


def test_stale_ids_are_gone(context: Any) -> None:
    options = _abi.ServerOptions()
    lib.gw_server_options_init(byref(options))
    server = c_void_p()
    assert lib.gw_server_open(context, byref(options), byref(server)) == _abi.OK
    for number in (1, 12345, 2**64 - 1):
        assert lib.gw_server_reply(server, number, None, 0, 1) == _abi.ERR_GONE
        assert lib.gw_server_reject(server, number, b"CODE", b"text", None, 0, 0) == _abi.ERR_GONE
        assert lib.gw_server_push(server, number, b"chat", None, 0) == _abi.ERR_GONE
        assert lib.gw_server_disconnect(server, number, 0, None) == _abi.ERR_GONE
    lib.gw_server_free(server)


def test_handles_outlive_their_context() -> None:
    context, client, server = c_void_p(), c_void_p(), c_void_p()
    assert lib.gw_context_new(None, byref(context)) == _abi.OK
    client_options = _abi.ClientOptions()
    lib.gw_client_options_init(byref(client_options))
    client_options.url = URL.encode()
    assert lib.gw_client_open(context, byref(client_options), byref(client)) == _abi.OK
    server_options = _abi.ServerOptions()
    lib.gw_server_options_init(byref(server_options))
    assert lib.gw_server_open(context, byref(server_options), byref(server)) == _abi.OK
    lib.gw_context_free(context)
    call = c_uint64()
    assert lib.gw_client_call(client, b"health", None, 0, None, byref(call)) == _abi.ERR_GONE
    assert lib.gw_client_close(client, 0, None) == _abi.ERR_GONE
    assert lib.gw_server_stop(server, None) == _abi.ERR_GONE
    lib.gw_client_free(client)
    lib.gw_server_free(server)


def test_poll_with_a_wrong_stride_or_no_room(context: Any) -> None:
    batch = _abi.Batch()
    lib.gw_batch_init(byref(batch))
    events = (_abi.Event * 2)()
    assert lib.gw_context_poll(context, 0, events, 2, 3, byref(batch)) in (_abi.ERR_STRUCT_SIZE, _abi.ERR_ARGUMENT)
    assert lib.gw_context_poll(context, 0, events, 2, sizeof(_abi.Event), byref(batch)) == _abi.TIMEOUT
    batch.struct_size = 4
    assert lib.gw_context_poll(context, 0, events, 2, sizeof(_abi.Event), byref(batch)) == _abi.ERR_STRUCT_SIZE
