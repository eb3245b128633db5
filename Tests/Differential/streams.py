"""Seeded streams of WebSocket frames, valid and broken, as one end sends them to the other."""

from __future__ import annotations

import random
import struct
import zlib
from dataclasses import dataclass, field

TEXTS = ["", "Hello", "naïve", "€", "😀", "\x00", "\ufeff", "\uffff", "\U0010ffff", "plain ascii, and more of it "]
# Of RFC 3629 section 3: overlong, surrogates, above U+10FFFF, lone bytes, cut off.
BAD_TEXT = [
    b"\xc0\x80",
    b"\xe0\x80\x80",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\x80",
    b"\xff",
    b"ok \xe2\x82",
    b"\xf0\x9f",
]
GOOD_CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
BAD_CODES = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]
SIZES = [0, 1, 2, 124, 125, 126, 127, 128, 500, 1000]


@dataclass
class Frame:
    """One frame, with what may be wrong about it."""

    opcode: int
    payload: bytes = b""
    fin: bool = True
    rsv: int = 0
    key: bytes | None = None
    form: int = 0
    declared: int | None = None

    def encode(self) -> bytes:
        length = len(self.payload) if self.declared is None else self.declared
        form = self.form or (7 if length < 126 else 16 if length < 65536 else 64)
        mask = 0 if self.key is None else 0x80
        head = bytes([(0x80 if self.fin else 0) | self.rsv << 4 | self.opcode])
        if form == 7:
            head += bytes([mask | length])
        elif form == 16:
            head += struct.pack(">BH", mask | 126, length)
        else:
            head += struct.pack(">BQ", mask | 127, length)
        if self.key is None:
            return head + self.payload
        return head + self.key + bytes(byte ^ self.key[i & 3] for i, byte in enumerate(self.payload))


@dataclass
class Stream:
    """What arrives at a client (role 0) or server (role 1)."""

    seed: int
    role: int
    deflate: int
    limit: int
    piece: int
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    data: bytes = b""

    def request(self) -> bytes:
        return struct.pack(">BBIII", self.role, self.deflate, self.limit, self.piece, len(self.data)) + self.data

    def pieces(self) -> list[bytes]:
        return [self.data[at : at + self.piece] for at in range(0, len(self.data), self.piece)]

    def ends_inside_frame(self) -> bool:
        """Whether the last frame, by its header alone, is not all there."""
        at = 0
        while at < len(self.data):
            if len(self.data) - at < 2:
                return True
            length = self.data[at + 1] & 0x7F
            size = 2 + {126: 2, 127: 8}.get(length, 0)
            if length > 125:
                length = int.from_bytes(self.data[at + 2 : at + size], "big")
            size += 4 if self.data[at + 1] & 0x80 else 0
            at += size + length
        return at > len(self.data)


class Maker:
    """Makes the stream of one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        pick = self.random.choice
        self.stream = Stream(
            seed,
            role=pick([0, 1]),
            deflate=pick([0, 0, 1, 2]),
            limit=pick([1000, 1 << 20]),
            piece=pick([1, 3, 50, 1 << 20]),
        )
        self.frames: list[Frame] = []
        self.compressor = zlib.compressobj(6, zlib.DEFLATED, -15)

    def make(self) -> Stream:
        for _ in range(self.random.randint(1, 5)):
            self.random.choice([self.message, self.message, self.message, self.control])()
        if self.random.random() < 0.5:
            self.break_one()
        for _ in range(self.random.randint(0, 2)):
            self.message()
        if self.random.random() < 0.4:
            self.close()
        data = b"".join(frame.encode() for frame in self.frames)
        if self.random.random() < 0.2:
            data = self.mutate(data)
        self.stream.data = data
        return self.stream

    # Valid parts

    def add(self, opcode: int, payload: bytes, **rest: object) -> Frame:
        key = None
        if self.stream.role == 1:
            key = self.random.choice([bytes(4), self.random.randbytes(4)])
        frame = Frame(opcode, payload, key=key, **rest)  # type: ignore[arg-type]
        self.frames.append(frame)
        return frame

    def content(self) -> tuple[int, bytes]:
        if self.random.random() < 0.5:
            return 2, self.random.randbytes(self.random.choice(SIZES))
        text = "".join(self.random.choices(TEXTS, k=self.random.randint(0, 20)))
        return 1, text.encode()[: self.stream.limit] if text.isascii() else text.encode()

    def message(self) -> None:
        opcode, payload = self.content()
        rsv = 0
        if self.stream.deflate and self.random.random() < 0.6:
            rsv, payload = 4, self.compressed(payload)
        self.fragments(opcode, payload, rsv)

    def fragments(self, opcode: int, payload: bytes, rsv: int = 0) -> None:
        cuts = sorted(self.random.randint(0, len(payload)) for _ in range(self.random.choice([0, 0, 1, 3])))
        pieces = [payload[a:b] for a, b in zip([0, *cuts], [*cuts, len(payload)])]
        for index, piece in enumerate(pieces):
            self.add(opcode if index == 0 else 0, piece, rsv=rsv if index == 0 else 0, fin=index == len(pieces) - 1)
            if index < len(pieces) - 1 and self.random.random() < 0.2:
                self.control()
                self.stream.notes.append("control frame inside a message")
                if rsv:
                    self.stream.notes.append("control frame inside a compressed message")

    def compressed(self, payload: bytes) -> bytes:
        """RFC 7692 section 7.2.1; with several flushes now and then."""
        if self.stream.deflate == 2:
            level = self.random.choice([0, 1, 9])
            self.compressor = zlib.compressobj(level, zlib.DEFLATED, -15)
        half = self.random.randint(0, len(payload))
        data = self.compressor.compress(payload[:half])
        if self.random.random() < 0.2:
            data += self.compressor.flush(zlib.Z_SYNC_FLUSH)
        data += self.compressor.compress(payload[half:])
        return (data + self.compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]

    def control(self) -> None:
        self.add(self.random.choice([9, 10]), self.random.randbytes(self.random.choice([0, 4, 125])))

    def close(self) -> None:
        if self.random.random() < 0.2:
            self.add(8, b"")
        else:
            self.add(8, struct.pack(">H", self.random.choice(GOOD_CODES)) + self.random.choice([b"", "€ bye".encode()]))
        # Nothing behind it counts.
        if self.random.random() < 0.3:
            self.add(2, b"late", rsv=7)

    # Faults

    def break_one(self) -> None:
        faults = [name for name in dir(self) if name.startswith("fault_")]
        if not self.stream.deflate:
            faults = [name for name in faults if not name.startswith("fault_deflate_")]
        name = self.random.choice(faults)
        self.stream.faults.append(name.removeprefix("fault_"))
        getattr(self, name)()

    def fault_reserved_bits(self) -> None:
        self.add(self.random.choice([1, 2, 8, 9]), b"", rsv=self.random.choice([1, 2, 3, 5, 7]))

    def fault_rsv1(self) -> None:
        self.add(self.random.choice([8, 9, 10]), b"", rsv=4)

    def fault_opcode(self) -> None:
        self.add(self.random.choice([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]), b"x")

    def fault_fragmented_control(self) -> None:
        self.add(self.random.choice([8, 9, 10]), b"", fin=False)

    def fault_long_control(self) -> None:
        self.add(self.random.choice([8, 9, 10]), b"\x03\xe8" + b"x" * 124)

    def fault_long_form_control(self) -> None:
        self.add(9, b"short", form=self.random.choice([16, 64]))

    def fault_mask(self) -> None:
        frame = self.add(self.random.choice([1, 9]), b"x")
        frame.key = None if frame.key is not None else b"abcd"

    def fault_long_length(self) -> None:
        size = self.random.choice([0, 5, 125])
        self.add(2, bytes(size), form=self.random.choice([16, 64]))

    def fault_length64_below_65536(self) -> None:
        self.add(2, bytes(200), form=64)

    def fault_top_bit(self) -> None:
        self.add(2, b"x", declared=1 << 63 | 1)

    def fault_continuation(self) -> None:
        self.add(0, b"x", fin=self.random.choice([True, False]))

    def fault_nested(self) -> None:
        self.add(1, b"x", fin=False)
        self.add(self.random.choice([1, 2]), b"y", fin=self.random.choice([True, False]))

    def fault_text(self) -> None:
        self.fragments(1, b"text " + self.random.choice(BAD_TEXT))

    def fault_text_inside(self) -> None:
        self.fragments(1, b"text " + self.random.choice(BAD_TEXT) + b" more")

    def fault_close_one_byte(self) -> None:
        self.add(8, b"\x03")

    def fault_close_code(self) -> None:
        self.add(8, struct.pack(">H", self.random.choice(BAD_CODES)))

    def fault_close_reason(self) -> None:
        self.add(8, b"\x03\xe8" + self.random.choice(BAD_TEXT))

    def fault_close_in_message(self) -> None:
        self.add(1, b"begun", fin=False)
        self.add(8, b"\x03\xe8")

    def fault_too_big(self) -> None:
        self.add(2, bytes(min(self.stream.limit + 1, 2000)), declared=self.stream.limit + 1)

    def fault_sum_too_big(self) -> None:
        if self.stream.limit > 1000:
            self.fault_too_big()
            return
        self.add(2, bytes(600), fin=False)
        self.add(0, bytes(401))

    def fault_cut(self) -> None:
        self.add(2, b"x" * 20, declared=40)

    def fault_deflate_invalid(self) -> None:
        self.fragments(2, bytes.fromhex("ffffff"), rsv=4)

    def fault_deflate_distance(self) -> None:
        self.compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
        self.fragments(1, bytes.fromhex("f200110000"), rsv=4)

    def fault_deflate_unfinished(self) -> None:
        cut_off = ["f248cd", "f248cdc9c9", "000500faff", "", "f248cdc9c907000000ffff"]
        self.fragments(1, bytes.fromhex(self.random.choice(cut_off)), rsv=4)

    def fault_deflate_final_block(self) -> None:
        self.fragments(1, bytes.fromhex(self.random.choice(["f348cdc9c9070000", "f348cdc9c90700"])), rsv=4)

    def fault_deflate_continuation(self) -> None:
        self.add(2, b"a", fin=False)
        self.add(0, b"b", rsv=4)

    def fault_deflate_too_big(self) -> None:
        size = min(self.stream.limit, 1 << 17) + 1
        self.fragments(2, self.compressed(bytes(size)), rsv=4)

    def mutate(self, data: bytes) -> bytes:
        """A few bits turned over, or the end cut off."""
        changed = bytearray(data)
        for _ in range(self.random.randint(1, 3)):
            if changed:
                changed[self.random.randrange(len(changed))] ^= 1 << self.random.randrange(8)
        self.stream.faults.append("mutated")
        return bytes(changed[: self.random.randint(0, len(changed))] if self.random.random() < 0.3 else changed)
