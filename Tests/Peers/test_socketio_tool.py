"""`gatewire sio` against a server of python-socketio: what it prints, and its exit statuses."""

from __future__ import annotations

import asyncio
import json
import os
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
import socketio_peer

TOOL = Path(__file__).resolve().parents[2] / "build/gatewire"
SOON = 30.0


class Ended(NamedTuple):
    status: int
    output: str
    errors: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.splitlines()]


async def sio(*arguments: str, given: str = "", **environment: str) -> Ended:
    """What the tool ends with."""
    process = await asyncio.create_subprocess_exec(
        TOOL, "sio", *arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE, env={**os.environ, **environment}
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(given.encode()), SOON)
    except asyncio.TimeoutError:
        process.kill()
        output, errors = await process.communicate()
        raise AssertionError((output, errors)) from None
    assert process.returncode is not None
    return Ended(process.returncode, output.decode(), errors.decode())


@pytest_asyncio.fixture
async def url() -> AsyncIterator[str]:
    async with socketio_peer.serving() as url:
        yield url


async def test_an_acknowledgement_is_printed(url: str) -> None:
    ended = await sio(url, "echo", '[1, {"a": "ä"}]', "--ack")
    assert ended.status == 0, ended
    assert json.loads(ended.output) == [1, {"a": "ä"}]
    assert "joined, sid " in ended.errors
    assert (await sio(url, "echo", "-", "--ack", given="[2]")).output == "[2]\n"
    assert (await sio(url, "echo", "--ack")).output == "[]\n"


async def test_an_event_without_acknowledgement_is_sent(url: str) -> None:
    ended = await sio(
        url, "ask", '["q"]', "--count", "2", "--answer", '["a", 2]', "--name", "question", "--name", "answered"
    )
    assert ended.status == 0, ended
    assert ended.output == 'question ["q"]\nanswered ["a",2]\n'
    ended = await sio(url, "echo")
    assert (ended.status, ended.output) == (0, "")


async def test_events_are_printed(url: str) -> None:
    ended = await sio(url, "--count", "1")
    assert (ended.status, ended.output) == (0, 'welcome ["/"]\n')


async def test_one_json_object_a_line(url: str) -> None:
    ended = await sio(url, "binary", "--ack", "--count", "2", "--json")
    assert ended.status == 0, ended
    assert [each["type"] for each in ended.objects] == ["event", "joined", "ack", "event"]
    assert ended.objects[0] == {"type": "event", "event": "welcome", "args": ["/"]}
    assert ended.objects[2]["attachments"] == ["AP8=", ""]


async def test_binary_data_is_shown_by_its_size(url: str) -> None:
    ended = await sio(url, "binary", "--ack")
    assert ended.output.endswith(" <2 bytes> <0 bytes>\n")


async def test_namespace_and_auth(url: str, tmp_path: Path) -> None:
    file = tmp_path / "auth"
    file.write_text('{"user": "file"}\n')
    assert (await sio(f"{url}/chat", "who", "--ack", "--auth", '{"user":"u"}')).output == '[{"user":"u"}]\n'
    assert (await sio(url, "who", "--ack", "--namespace", "/chat", "--auth-file", str(file))).output == (
        '[{"user":"file"}]\n'
    )
    ended = await sio(url, "who", "--ack", GATEWIRE_SIO_AUTH='{"user":"variable"}', GATEWIRE_TOKEN="not for this")
    assert ended.output == '[{"user":"variable"}]\n'


async def test_a_refusal_shows_the_servers_data(url: str) -> None:
    ended = await sio(url, "--auth", '{"refuse":1}')
    assert ended.status == 5, ended
    assert "GW_ERR_SIO_REFUSED: not authorized" in ended.errors
    assert '{"code":401}' in ended.errors
    ended = await sio(url, "--auth", '{"refuse":1}', "--json")
    assert ended.objects[-1]["payload"] == {"code": 401}


async def test_a_disconnect_by_the_server_is_a_failure(url: str) -> None:
    ended = await sio(url, "kick", "--count", "5")
    assert ended.status == 8, ended
    assert "GW_ERR_SIO_DISCONNECTED" in ended.errors


async def test_an_acknowledgement_that_does_not_come(url: str) -> None:
    ended = await sio(url, "nobody", "--ack", "--timeout", "0.3")
    assert ended.status == 7, ended


@pytest.mark.parametrize(
    "arguments, said",
    [
        ((), "it takes URL"),
        (("http://127.0.0.1:1", "--ack"), "--ack needs EVENT"),
        (("http://127.0.0.1:1", "--count", "0"), "--count wants"),
        (("http://127.0.0.1:1", "--auth", "[]"), "auth must be a JSON object"),
        (("http://127.0.0.1:1", "--namespace", "chat"), "GW_ERR_ARGUMENT"),
        (("http://example.com",), "GW_ERR_PLAINTEXT"),
    ],
)
async def test_a_command_line_that_is_wrong(arguments: tuple[str, ...], said: str) -> None:
    ended = await sio(*arguments)
    assert ended.status == 2, ended
    assert said in ended.errors


async def test_arguments_that_are_no_array(url: str) -> None:
    ended = await sio(url, "echo", '{"a":1}')
    assert ended.status == 2, ended
    assert "array" in ended.errors


async def test_nobody_listens() -> None:
    ended = await sio("http://127.0.0.1:1", "echo")
    assert ended.status == 3, ended
    assert "to act" in ended.errors
