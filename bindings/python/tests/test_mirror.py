"""``_abi`` says what the headers say: functions, constants, and the members of every struct in their order."""

from __future__ import annotations

import re

import pytest
from conftest import REPOSITORY

from gatewire import _abi
from gatewire._socket_options import Limits

HEADERS = [
    *("base", "event", "context", "route", "trust", "call", "observe", "client", "credentials", "socketio"),
    *("doctor", "server", "socket"),
]


def header(name: str) -> str:
    """A header without its comments."""
    text = (REPOSITORY / f"include/gatewire/{name}.h").read_text(encoding="utf-8")
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


TEXT = "\n".join(header(name) for name in HEADERS)


def test_functions() -> None:
    declared = dict(re.findall(r"GW_EXPORT [^;(]*?(gw_\w+)\(([^;]*)\);", TEXT, re.DOTALL))
    assert set(_abi.PROTOTYPES) == set(declared)
    for name, arguments in declared.items():
        count = 0 if arguments == "void" else arguments.count(",") + 1
        assert len(_abi.PROTOTYPES[name][1]) == count, name


def test_constants() -> None:
    enumerated = re.findall(r"\b(GW_\w+) = ([^,}\n]+)", TEXT)
    defined = re.findall(r"#define (GW_\w+) (.+)", TEXT)
    values = {"UINT32_MAX": 0xFFFF_FFFF, "UINT64_MAX": 0xFFFF_FFFF_FFFF_FFFF}
    for name, expression in [*enumerated, *defined]:
        short = name[len("GW_") :]
        if short == "EXPORT" or short.startswith(("VERSION_", "STRUCT_")):
            continue
        expression = re.sub(r"(\d)u\b", r"\1", expression.strip())
        values[name] = eval(expression, {}, values)
        assert getattr(_abi, short) == values[name], name


@pytest.mark.parametrize("number", sorted(_abi.STRUCTS))
def test_struct_members(number: int) -> None:
    mirror = _abi.STRUCTS[number]
    assert mirror.__doc__ is not None
    name = mirror.__doc__.strip("`")
    numbered = re.search(rf"GW_STRUCT_{name[len('gw_') :].upper()} = (\d+)", TEXT)
    assert numbered is not None
    assert int(numbered[1]) == number
    found = re.search(rf"typedef struct {name} {{(.*?)}} {name};", TEXT, re.DOTALL)
    assert found is not None
    members = re.findall(r"(\w+);", found[1])
    assert [field[0] for field in mirror._fields_] == members


def test_limits_of_websockets_are_its_members() -> None:
    members = {name for name, *_ in _abi.SocketLimits._fields_} - {"struct_size", "reserved"}
    assert set(Limits.__annotations__) == {name[: -len("_ms")] if name.endswith("_ms") else name for name in members}
