"""The verdicts of wsproto and websockets, both without a network."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from streams import Stream
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, SERVER, Protocol
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.extensions import Extension
from wsproto.extensions import PerMessageDeflate as WsprotoDeflate


@dataclass
class Verdict:
    """What a peer made of a stream: open (it waits for more), closed by the sender, or failed, with the close code."""

    messages: list[list[str]] = field(default_factory=list)
    pings: list[str] = field(default_factory=list)
    end: str = "open"
    code: int = 0
    reason: str = ""

    def finish(self, end: str, code: int, reason: str = "") -> None:
        self.end, self.code, self.reason = end, int(code), reason


def of_wsproto(stream: Stream) -> Verdict:
    extensions: list[Extension] = []
    if stream.deflate:
        forgets = stream.deflate == 2
        extension = WsprotoDeflate(client_no_context_takeover=forgets, server_no_context_takeover=forgets)
        extension._enabled = True  # as after the handshake, which is not what is compared here
        extensions.append(extension)
    connection = Connection(ConnectionType.SERVER if stream.role else ConnectionType.CLIENT, extensions)
    verdict = Verdict()
    held = b""
    for piece in stream.pieces():
        connection.receive_data(piece)
        for event in connection.events():
            if isinstance(event, Ping):
                verdict.pings.append(bytes(event.payload).hex())
            elif isinstance(event, (TextMessage, BytesMessage)):
                is_text = isinstance(event, TextMessage)
                held += event.data.encode() if isinstance(event, TextMessage) else bytes(event.data)
                if event.message_finished:
                    verdict.messages.append(["text" if is_text else "binary", held.hex()])
                    held = b""
            elif isinstance(event, CloseConnection):
                is_peers = connection.state is ConnectionState.REMOTE_CLOSING
                verdict.finish("closed" if is_peers else "failed", event.code, event.reason or "")
                return verdict
    return verdict


def of_websockets(stream: Stream) -> Verdict:
    silent = logging.getLogger("silent")
    silent.disabled = True
    protocol = Protocol(SERVER if stream.role else CLIENT, max_size=stream.limit, logger=silent)
    if stream.deflate:
        forgets = stream.deflate == 2
        protocol.extensions = [PerMessageDeflate(forgets, forgets, 15, 15)]
    verdict = Verdict()
    held: list[bytes] = []
    kind = ""
    for piece in stream.pieces():
        protocol.receive_data(piece)
        for frame in protocol.events_received():
            assert isinstance(frame, Frame)
            opcode = frame.opcode
            if opcode is Opcode.PING:
                verdict.pings.append(bytes(frame.data).hex())
            elif opcode is Opcode.CLOSE:
                received = protocol.close_rcvd
                verdict.finish("closed", received.code if received else 0)
                return verdict
            elif opcode is not Opcode.PONG:
                if opcode is not Opcode.CONT:
                    held, kind = [], "text" if opcode is Opcode.TEXT else "binary"
                held.append(bytes(frame.data))
                if frame.fin:
                    message = b"".join(held)
                    # As its connections do, which stand above this layer.
                    if kind == "text" and not is_utf8(message):
                        verdict.finish("failed", 1007, "not UTF-8")
                        return verdict
                    verdict.messages.append([kind, message.hex()])
        if protocol.parser_exc is not None:
            sent = protocol.close_sent
            verdict.finish("failed", sent.code if sent else 0, str(protocol.parser_exc))
            return verdict
    return verdict


def is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


PEERS = {"wsproto": of_wsproto, "websockets": of_websockets}
