"""Compares the engine's verdict on seeded streams with those of wsproto and websockets.

differential.py ENGINE SEEDS [FIRST]
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

from differences import DIFFERENCES
from peers import PEERS, Verdict
from streams import Maker, Stream

BATCH = 500


def engine_verdicts(engine: str, streams: list[Stream]) -> list[Verdict]:
    requests = b"".join(stream.request() for stream in streams)
    result = subprocess.run([engine], input=requests, stdout=subprocess.PIPE, check=True, timeout=120)
    return [Verdict(**json.loads(line)) for line in result.stdout.splitlines()]


def is_equal(ours: Verdict, theirs: Verdict) -> bool:
    return (ours.messages, ours.pings, ours.end, ours.code) == (theirs.messages, theirs.pings, theirs.end, theirs.code)


def agree_so_far(ours: Verdict, theirs: Verdict) -> bool:
    """Whether the one who stopped earlier gave what the other one gave before."""
    pairs = ((ours.messages, theirs.messages), (ours.pings, theirs.pings))
    return all(all(a == b for a, b in zip(mine, other)) for mine, other in pairs)


def explanation(ours: Verdict, theirs: Verdict, stream: Stream, peer: str) -> str | None:
    for difference in DIFFERENCES:
        if difference.peer not in (peer, "both") or not difference.holds(ours, theirs, stream):
            continue
        if difference.loses or agree_so_far(ours, theirs):
            return f"{peer}: {difference.name} ({difference.section})"
    return None


def main() -> int:
    engine, seeds, first = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0
    explained: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    failed = 0
    for start in range(first, first + seeds, BATCH):
        streams = [Maker(seed).make() for seed in range(start, min(start + BATCH, first + seeds))]
        verdicts = engine_verdicts(engine, streams)
        if len(verdicts) != len(streams):
            raise SystemExit(f"{len(verdicts)} verdicts on {len(streams)} streams")
        for stream, ours in zip(streams, verdicts):
            faults.update(stream.faults or ["none"])
            for peer, judge in PEERS.items():
                theirs = judge(stream)
                if is_equal(ours, theirs):
                    continue
                reason = explanation(ours, theirs, stream, peer)
                if reason:
                    explained[reason] += 1
                    continue
                failed += 1
                if failed <= 20:
                    print(f"seed {stream.seed} role {stream.role} deflate {stream.deflate} faults {stream.faults}")
                    print(f"  engine: {shown(ours)}\n  {peer}: {shown(theirs)}\n  {stream.data[:200].hex()}")
    for reason, count in sorted(explained.items()):
        print(f"{count:7} {reason}")
    kinds = len(faults.keys() - {"none"})
    print(f"{seeds} streams from seed {first}: {faults['none']} without a fault, {kinds} kinds of fault")
    print(f"{seeds * len(PEERS) - failed} passed, {failed} failed")
    return 1 if failed else 0


def shown(verdict: Verdict) -> str:
    return (
        f"{len(verdict.messages)} messages, {len(verdict.pings)} pings, {verdict.end} {verdict.code} {verdict.reason}"
    )


if __name__ == "__main__":
    sys.exit(main())
