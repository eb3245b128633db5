"""Who asks to come in to a WebSocket server, and what the host answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Optional, Union

from ._context import Report, from_json


class Headers(Mapping[str, str]):
    """HTTP header fields, found by name in any case; values of a repeated name are joined with a comma."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: Iterable[Sequence[str]]) -> None:
        #: names and values as the peer sent them, in its order
        self.pairs: tuple[tuple[str, str], ...] = tuple((pair[0], pair[1]) for pair in pairs)

    def __getitem__(self, name: str) -> str:
        values = self.get_all(name)
        if not values:
            raise KeyError(name)
        return ", ".join(values)

    def get_all(self, name: str) -> list[str]:
        """Every value of a name."""
        name = name.lower()
        return [value for key, value in self.pairs if key.lower() == name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name.lower() for name, _ in self.pairs))

    def __len__(self) -> int:
        return len({name.lower() for name, _ in self.pairs})

    def __repr__(self) -> str:
        return f"Headers({list(self.pairs)!r})"


@dataclass(frozen=True)
class Request:
    """An upgrade request that the server has found valid; its peer waits for the decision."""

    #: path and query, ``"/chat?room=1"``
    target: str
    headers: Headers
    #: that the client offers, in its order of preference
    subprotocols: Sequence[str]
    #: address and port of the client, ``"127.0.0.1:50000"``
    remote: str


@dataclass(frozen=True)
class Accept:
    """Lets a client in; ``subprotocol`` is one that it offered, or ``None`` for none."""

    subprotocol: Optional[str] = None


@dataclass(frozen=True)
class Refuse:
    """Answers with an HTTP status from 400 to 599 and a text as body, and closes."""

    status: int
    text: str = ""


#: ``None`` lets the client in with the first of the server's subprotocols that it offers.
Decision = Union[Accept, Refuse, None]


def read_request(report: Report) -> Request:
    """The request that an event asks about."""
    detail = from_json(report.payload)
    return Request(report.name, Headers(detail["headers"]), tuple(detail["subprotocols"]), detail["remote"])
