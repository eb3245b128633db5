"""Where the engine and a peer may differ, each with the section that lets it or asks for it.

An entry holds for a pair of verdicts only if the engine reported this violation (or the stream has this trait), so that
it hides no other one.  Whoever stopped earlier must have given the messages and pings that the other one gave first,
unless the entry says that the peer loses messages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from peers import Verdict
from streams import Stream

Condition = Callable[[Verdict, Verdict, Stream], bool]


@dataclass
class Difference:
    peer: str
    section: str
    name: str
    holds: Condition
    loses: bool = False


def engine_says(*texts: str) -> Condition:
    """The engine failed the connection for one of these reasons."""
    return lambda ours, theirs, stream: ours.end == "failed" and any(text in ours.reason for text in texts)


def noted(note: str) -> Condition:
    return lambda ours, theirs, stream: note in stream.notes


def both(*conditions: Condition) -> Condition:
    return lambda ours, theirs, stream: all(holds(ours, theirs, stream) for holds in conditions)


def peer_waits(ours: Verdict, theirs: Verdict, stream: Stream) -> bool:
    return theirs.end == "open" and stream.ends_inside_frame()


def peer_fails(*codes: int) -> Condition:
    return lambda ours, theirs, stream: theirs.end == "failed" and theirs.code in codes


def peer_says(text: str) -> Condition:
    return lambda ours, theirs, stream: theirs.end == "failed" and text in theirs.reason


def peer_stops_earlier(ours: Verdict, theirs: Verdict, stream: Stream) -> bool:
    return ours.code != theirs.code or len(theirs.messages) < len(ours.messages)


def peer_loses_end(ours: Verdict, theirs: Verdict, stream: Stream) -> bool:
    """The peer took a final block for the end, so that a message is shorter or ends inside of a code point."""
    if not stream.deflate or not {"deflate_final_block", "mutated"} & set(stream.faults):
        return False
    for mine, other in zip(ours.messages, theirs.messages):
        if mine != other:
            return mine[0] == other[0] and mine[1].startswith(other[1])
    return theirs.end == "failed" or "UTF-8" in ours.reason or "inflate" in ours.reason


def failed(ours: Verdict, theirs: Verdict, stream: Stream) -> bool:
    return ours.end == "failed"


DIFFERENCES = [
    # When a violation is seen
    Difference(
        "both", "RFC 6455 7.1.7", "a wrong byte fails at once, not when its frame is complete", both(failed, peer_waits)
    ),
    Difference(
        "websockets",
        "RFC 6455 8.1",
        "text is judged as it comes, not when its message ends",
        both(engine_says("text that is not UTF-8"), lambda ours, theirs, stream: theirs.messages == ours.messages),
    ),
    Difference(
        "wsproto",
        "RFC 3629 3",
        "a surrogate is refused at its second byte",
        both(engine_says("text that is not UTF-8"), peer_fails(1007)),
    ),
    # Lengths
    Difference(
        "websockets",
        "RFC 6455 5.2",
        "a length that is not in its shortest form is refused",
        engine_says("shortest form"),
    ),
    Difference(
        "websockets",
        "RFC 6455 5.5",
        "the length field of a control frame is 125 at most, whatever follows",
        engine_says("control frame with length field"),
    ),
    Difference(
        "websockets",
        "RFC 6455 5.2",
        "the top bit of a length is 1002, not 1009",
        both(engine_says("top bit"), peer_fails(1009)),
    ),
    Difference(
        "websockets",
        "RFC 6455 5.2",
        "of a header with two faults, the size is judged last",
        lambda ours, theirs, stream: (ours.code, theirs.code) == (1002, 1009) and ours.messages == theirs.messages,
    ),
    Difference("wsproto", "RFC 6455 10.4", "it has no limit on messages", engine_says(" limit ")),
    Difference(
        "websockets",
        "RFC 6455 5.4",
        "control frames inside a message do not count for its size",
        both(noted("control frame inside a message"), peer_fails(1009), peer_stops_earlier),
    ),
    # Close frames
    Difference(
        "wsproto",
        "RFC 6455 7.4.2",
        "1014 is registered",
        both(lambda ours, theirs, stream: ours.end == "closed" and ours.code == 1014, peer_says("reserved code")),
    ),
    Difference(
        "websockets",
        "RFC 6455 5.5.1",
        "a close frame may come inside a message",
        both(lambda ours, theirs, stream: ours.end == "closed", peer_says("incomplete fragmented message")),
    ),
    Difference(
        "websockets",
        "RFC 6455 7.4.1",
        "of a close frame with two faults, the code is judged first",
        both(engine_says("close frame with code"), peer_fails(1007)),
    ),
    # Compression
    Difference(
        "websockets",
        "RFC 6455 10.4",
        "the limit is on what a message inflates to",
        both(lambda ours, theirs, stream: stream.deflate > 0, peer_fails(1009), peer_stops_earlier),
    ),
    Difference(
        "websockets",
        "RFC 6455 7.4.1",
        "what does not inflate is 1007, not 1002",
        both(engine_says("does not inflate"), peer_fails(1002)),
    ),
    Difference(
        "both",
        "RFC 7692 7.2.2",
        "a compressed message that is cut off is refused",
        engine_says("is cut off"),
        loses=True,
    ),
    Difference(
        "wsproto",
        "RFC 7692 7.2.2",
        "it takes a control frame inside a compressed message for its end",
        noted("control frame inside a compressed message"),
        loses=True,
    ),
    Difference("both", "RFC 7692 7.2.3.4", "what stands behind a final block counts too", peer_loses_end, loses=True),
    Difference(
        "websockets",
        "RFC 7692 6.1",
        "RSV1 on a continuation frame is refused, also inside a compressed message",
        engine_says("RSV1 on a continuation frame"),
    ),
]
