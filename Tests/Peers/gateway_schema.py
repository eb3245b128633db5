"""The closed object shapes of the gateway protocol, as the gateway double checks them.

Each check answers ``None`` or a text that says what is wrong and where.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional

Check = Callable[[Any, str], Optional[str]]

CLIENT_IDS = [
    "webchat-ui",
    "openclaw-control-ui",
    "openclaw-tui",
    "webchat",
    "cli",
    "gateway-client",
    "openclaw-macos",
    "openclaw-ios",
    "openclaw-android",
    "node-host",
    "test",
    "fingerprint",
    "openclaw-probe",
]
CLIENT_MODES = ["webchat", "cli", "ui", "backend", "node", "probe", "test"]


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def anything(_value: Any, _at: str) -> Optional[str]:
    return None


def string(value: Any, at: str) -> Optional[str]:
    return None if isinstance(value, str) else f"at {at}: must be string"


def full_string(value: Any, at: str) -> Optional[str]:
    """A string of length 1 or more."""
    return string(value, at) or (None if value else f"at {at}: must not be empty")


def boolean(value: Any, at: str) -> Optional[str]:
    return None if isinstance(value, bool) else f"at {at}: must be boolean"


def integer(minimum: int) -> Check:
    def check(value: Any, at: str) -> Optional[str]:
        return None if _is_integer(value) and value >= minimum else f"at {at}: must be integer >= {minimum}"

    return check


def one_of(values: Sequence[str]) -> Check:
    def check(value: Any, at: str) -> Optional[str]:
        return None if isinstance(value, str) and value in values else f"at {at}: must be one of the allowed values"

    return check


def list_of(item: Check) -> Check:
    def check(value: Any, at: str) -> Optional[str]:
        if not isinstance(value, list):
            return f"at {at}: must be array"
        return next((wrong for i, v in enumerate(value) if (wrong := item(v, f"{at}/{i}"))), None)

    return check


def map_of(item: Check) -> Check:
    def check(value: Any, at: str) -> Optional[str]:
        if not isinstance(value, dict):
            return f"at {at}: must be object"
        if "" in value:
            return f"at {at}: empty name"
        return next((wrong for name, v in value.items() if (wrong := item(v, f"{at}/{name}"))), None)

    return check


def closed(required: Mapping[str, Check], optional: Optional[Mapping[str, Check]] = None) -> Check:
    """An object with these members and no other."""
    known = {**required, **(optional or {})}

    def check(value: Any, at: str) -> Optional[str]:
        if not isinstance(value, dict):
            return f"at {at or '/'}: must be object"
        for name in required:
            if name not in value:
                return f"at {at or '/'}: must have required property '{name}'"
        for name, member in value.items():
            if name not in known:
                return f"at {at or '/'}: unexpected property '{name}'"
            wrong = known[name](member, f"{at}/{name}")
            if wrong:
                return wrong
        return None

    return check


request_frame = closed(
    {"type": one_of(["req"]), "id": full_string, "method": full_string},
    {"params": anything},
)

connect_params = closed(
    {
        "minProtocol": integer(1),
        "maxProtocol": integer(1),
        "client": closed(
            {
                "id": one_of(CLIENT_IDS),
                "version": full_string,
                "platform": full_string,
                "mode": one_of(CLIENT_MODES),
            },
            {
                "displayName": full_string,
                "deviceFamily": full_string,
                "modelIdentifier": full_string,
                "instanceId": full_string,
            },
        ),
    },
    {
        "caps": list_of(full_string),
        "commands": list_of(full_string),
        "permissions": map_of(boolean),
        "pathEnv": string,
        "role": full_string,
        "scopes": list_of(full_string),
        "device": closed(
            {
                "id": full_string,
                "publicKey": full_string,
                "signature": full_string,
                "signedAt": integer(0),
                "nonce": full_string,
            }
        ),
        "auth": closed({}, {"token": string, "bootstrapToken": string, "deviceToken": string, "password": string}),
        "locale": string,
        "userAgent": string,
    },
)

# Params of the methods that the double answers; absent params are an empty object.
METHOD_PARAMS: dict[str, Check] = {
    "health": closed({}, {"probe": boolean}),
    "agents.list": closed({}),
    "sessions.list": closed(
        {},
        {
            "limit": integer(1),
            "activeMinutes": integer(1),
            "includeGlobal": boolean,
            "includeUnknown": boolean,
            "includeDerivedTitles": boolean,
            "includeLastMessage": boolean,
            "label": full_string,
            "spawnedBy": full_string,
            "agentId": full_string,
            "search": string,
        },
    ),
    "sessions.subscribe": closed({}),
    "sessions.unsubscribe": closed({}),
    "chat.send": closed(
        {"sessionKey": full_string, "message": string, "idempotencyKey": full_string},
        {
            "thinking": string,
            "deliver": boolean,
            "attachments": list_of(anything),
            "timeoutMs": integer(0),
            "agentId": full_string,
            "sessionId": full_string,
        },
    ),
    "agent": closed(
        {"message": full_string, "idempotencyKey": full_string},
        {
            "agentId": full_string,
            "sessionKey": full_string,
            "sessionId": full_string,
            "thinking": string,
            "deliver": boolean,
            "timeout": integer(0),
        },
    ),
}
