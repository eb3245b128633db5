"""What a client proves itself with, and what it does when it is refused."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path
from typing import Any, Optional

import pytest
from conftest import REPOSITORY
from conftest import both_loops as event_loop_policy  # noqa: F401
from gateway_double import GatewayDouble
from gateway_settings import Settings
from helpers import TOKEN, soon, until

import gatewire
from gatewire import Credentials
from gatewire._options import client_setup

QUICK: dict[str, Any] = {"reconnect_initial": 0.01, "reconnect_max": 0.02}
VECTORS = json.loads((REPOSITORY / "Tests/Vectors/openclaw/reconnect-decisions.json").read_text(encoding="utf-8"))


def opened(url: str, **options: Any) -> gatewire.Client:
    """A client that need not reach its gateway."""
    return gatewire.Client(client_setup(url, **options))


def connect_params(double: GatewayDouble, index: int = -1) -> dict[str, Any]:
    """Of a connect request that the double got."""
    requests = [json.loads(text) for text in double.received()]
    params: dict[str, Any] = [request["params"] for request in requests if request.get("method") == "connect"][index]
    return params


def is_paused(notice: gatewire.Notice) -> bool:
    return isinstance(notice, gatewire.Disconnected) and notice.paused


def is_connected(notice: gatewire.Notice) -> bool:
    return isinstance(notice, gatewire.Connected)


async def test_a_paused_client_goes_on_with_other_credentials() -> None:
    async with GatewayDouble(Settings(token=TOKEN)) as double:
        client = opened(double.url, token="old", pause=True, **QUICK)
        notices = client.notices()
        paused = (await until(notices, is_paused))[-1]
        assert isinstance(paused, gatewire.Disconnected)
        assert (paused.error.name, paused.error.retryable, paused.retry_after) == ("AUTH_TOKEN_MISMATCH", False, 0)
        assert client.state().phase == "paused"
        client.set_credentials(Credentials(token=TOKEN))
        client.resume()
        await until(notices, is_connected)
        with pytest.raises(gatewire.GatewireError) as caught:
            client.resume()
        assert caught.value.status_name == "GW_ERR_STATE"
        await client.close()


@pytest.mark.parametrize("case", VECTORS["byDetailCode"], ids=lambda case: case["code"])
async def test_every_detail_code(case: dict[str, Any]) -> None:
    """openclaw-gateway 5.4: pause, or try again, as the vectors recommend."""
    refusals = {"pause": 1, "retry-once": 2, "pause-after-3": 3}.get(case["recommended"]["action"])
    async with GatewayDouble(Settings(token=TOKEN)) as double:
        double.set_faults({"reject": case["code"]})
        # What is tried again is so after a while, when the double is gone.
        delays = QUICK if refusals else {"reconnect_initial": 5, "reconnect_max": 5}
        client = opened(double.url, token=TOKEN, pause=True, **delays)
        notices = client.notices()
        for number in range(1, (refusals or 1) + 1):
            notice = (await until(notices, lambda notice: isinstance(notice, gatewire.Disconnected)))[-1]
            assert isinstance(notice, gatewire.Disconnected)
            assert notice.error.name == case["code"]
            assert notice.paused == (number == refusals)
        await client.close()


@pytest.mark.parametrize("asks_in_a_task", [False, True])
async def test_credentials_are_asked_for_at_each_attempt(asks_in_a_task: bool) -> None:
    given = iter([Credentials(password="x"), None, Credentials(token=TOKEN)])

    async def later() -> Optional[Credentials]:
        await asyncio.sleep(0)
        return next(given)

    def ask() -> Any:
        return later() if asks_in_a_task else next(given)

    async with GatewayDouble(Settings(token=TOKEN)) as double:
        double.set_faults({"reject": "AUTH_TAILSCALE_WHOIS_FAILED"}, times=1)
        async with gatewire.connect(double.url, credentials=ask, keep_trying=True, **QUICK) as client:
            assert await client.call("echo", 1) == 1
            notices = await until(client.notices(), is_connected)
        kinds = [notice.error.status_name for notice in notices if isinstance(notice, gatewire.Disconnected)]
        assert kinds == ["GW_ERR_CONNECT_REJECTED", "GW_ERR_CREDENTIALS"]
        assert connect_params(double, 0)["auth"] == {"password": "x"}
        assert connect_params(double)["auth"] == {"token": TOKEN}


async def test_what_asking_raises_is_told_and_ends_the_attempt() -> None:
    told: list[Any] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: told.append(context["exception"]))
    answers = iter([ZeroDivisionError("canary"), "not credentials"])

    def ask() -> Any:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with GatewayDouble(Settings(token=TOKEN)) as double:
        for kind in (ZeroDivisionError, TypeError):
            with pytest.raises(gatewire.GatewireError) as caught:
                await gatewire.connect(double.url, credentials=ask)
            assert caught.value.status_name == "GW_ERR_CREDENTIALS"
            assert [type(error) for error in told] == [kind]
            told.clear()


async def test_device_tokens_in_a_file(tmp_path: Path) -> None:
    """openclaw-gateway 5.1, 5.7: issued, used alone, refused and removed; none is shown to the program."""
    files = {"identity_file": tmp_path / "own/device.json", "token_file": tmp_path / "own/tokens.json"}
    async with GatewayDouble(Settings(token=TOKEN, bootstrap_token="once")) as double:
        double.set_faults({"more_tokens": {"node": "canary"}}, times=1)
        async with gatewire.connect(double.url, bootstrap_token="once", **files) as client:
            assert client.hello["auth"]["deviceToken"] is None
            assert "canary" not in json.dumps(client.hello)
        assert connect_params(double)["auth"] == {"bootstrapToken": "once"}
        assert stat.S_IMODE(files["token_file"].stat().st_mode) == 0o600
        kept = json.loads(files["token_file"].read_text(encoding="utf-8"))
        assert kept["gateways"][0]["gateway"] == double.url
        assert sorted(kept["gateways"][0]["tokens"]) == ["node", "operator"]

        async with gatewire.connect(double.url, **files):
            pass
        assert connect_params(double)["auth"] == {"deviceToken": kept["gateways"][0]["tokens"]["operator"]["token"]}

        double.credentials.rotate()
        with pytest.raises(gatewire.HandshakeError) as caught:
            await gatewire.connect(double.url, **files)
        assert caught.value.name == "AUTH_DEVICE_TOKEN_MISMATCH"
        kept = json.loads(files["token_file"].read_text(encoding="utf-8"))
        assert sorted(kept["gateways"][0]["tokens"]) == ["node"]


@pytest.mark.parametrize(("generation", "protocol"), [("spring", 3), ("newest", 4)])
async def test_the_one_retry_with_the_stored_token(tmp_path: Path, generation: str, protocol: int) -> None:
    """openclaw-gateway 5.3: gateways of both generations take the stored token beside a shared one that is stale."""
    files = {"identity_file": tmp_path / "device.json", "token_file": tmp_path / "tokens.json"}
    async with GatewayDouble(Settings(token=TOKEN, generation=generation, protocol=protocol)) as double:
        async with gatewire.connect(double.url, token=TOKEN, **files):
            pass
        double.credentials.token = "changed"
        async with gatewire.connect(double.url, token=TOKEN, keep_trying=True, **files) as client:
            first = (await until(client.notices(), lambda notice: isinstance(notice, gatewire.Disconnected)))[-1]
            assert isinstance(first, gatewire.Disconnected)
            assert (first.error.name, first.paused) == ("AUTH_TOKEN_MISMATCH", False)
            assert first.retry_after <= 0.25
        auth = connect_params(double)["auth"]
        assert sorted(auth) == ["deviceToken", "token"]


async def test_a_close_in_place_of_an_answer_removes_the_token_too(tmp_path: Path) -> None:
    files = {"identity_file": tmp_path / "device.json", "token_file": tmp_path / "tokens.json"}
    async with GatewayDouble(Settings(token=TOKEN)) as double:
        async with gatewire.connect(double.url, token=TOKEN, **files):
            pass
        double.credentials.rotate()
        double.set_faults({"close_unanswered": True})
        with pytest.raises(gatewire.GatewireError) as caught:
            await gatewire.connect(double.url, **files)
        assert caught.value.code == 1008
        assert json.loads(files["token_file"].read_text(encoding="utf-8"))["gateways"] == []


async def test_pairing(tmp_path: Path) -> None:
    """openclaw-gateway 5.5: the request id is shown, and the client goes on once the device is approved."""
    settings = Settings(token=TOKEN, pairing=True)
    async with GatewayDouble(settings) as double:
        options = {"identity_file": tmp_path / "device.json", "pause": True}
        client = opened(double.url, token=TOKEN, **options)
        notices = client.notices()
        paused = (await until(notices, is_paused))[-1]
        assert isinstance(paused, gatewire.Disconnected)
        assert paused.error.details["requestId"] == "req-1"
        assert "req-1" in str(paused.error)
        settings.approved.add(connect_params(double)["device"]["id"])
        client.resume()
        await until(notices, is_connected)
        await client.close()


async def test_what_the_client_says_of_itself() -> None:
    async with gatewire.serve(token=TOKEN, plaintext=True) as server:
        options: dict[str, Any] = {
            "model_identifier": "M1",
            "commands": ["system.run"],
            "permissions": {"camera": True, "screen": False},
            "path_env": "/bin",
            "signature_version": 2,
        }
        async with gatewire.connect(server.url, token=TOKEN, **options):
            pass
        for wrong in ({"time_zone": "UTC"}, {"role": "root"}, {"scopes": ["x"]}, {"extra_params": {"a": 1}}):
            with pytest.raises(gatewire.UsageError):
                await gatewire.connect(server.url, token=TOKEN, **wrong)  # type: ignore[arg-type]


def test_credentials_are_not_shown() -> None:
    assert "canary" not in repr(Credentials(token="canary"))


async def test_the_blocking_client() -> None:
    async with GatewayDouble(Settings(token=TOKEN)) as double:
        given = iter([Credentials(token="old"), Credentials(token=TOKEN)])

        def work() -> Any:
            with gatewire.sync.connect(
                double.url, credentials=lambda: next(given), pause=True, keep_trying=True
            ) as client:
                return client.call("echo", 1)

        def resume() -> Any:
            with pytest.raises(gatewire.HandshakeError):
                gatewire.sync.connect(double.url, token="old", pause=True)
            return None

        await soon(asyncio.to_thread(resume))
        double.set_faults({"reject": "AUTH_TAILSCALE_WHOIS_FAILED"}, times=1)
        assert await soon(asyncio.to_thread(work)) == 1
