"""Judges the reports of the Autobahn test suite: every case of the specification has to be there and to be OK.

python3 verdict.py DIRECTORY...    one for each role

The last line has the sums of all.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

# What RFC 6455 leaves open: these have no other verdict.
INFORMATIONAL = {"7.1.6", "7.13.1", "7.13.2"}


def load(file: Path) -> Any:
    """What a JSON file says; nothing if it was never written."""
    try:
        return json.loads(file.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return {}


def is_good(case: str, verdict: dict[str, Any]) -> bool:
    """Whether a case has gone as it has to, and its closing too."""
    good = {"OK", "INFORMATIONAL"} if case in INFORMATIONAL else {"OK"}
    return {verdict["behavior"], verdict["behaviorClose"]} <= good


def explanation(directory: Path, verdict: dict[str, Any]) -> str:
    """What the suite says about a case."""
    detail = load(directory / verdict["reportfile"])
    words = [detail.get("result"), f"closing {verdict['behaviorClose']}", detail.get("resultClose")]
    return "; ".join([verdict["behavior"], *filter(None, words)])


def judge(directory: Path) -> tuple[int, int]:
    """Prints what is wrong in a report and how long it took; how many cases passed and failed."""
    wanted = load(directory / "specification.json").get("cases", [])
    # Of the one agent that was examined.
    verdicts: dict[str, Any] = next(iter(load(directory / "index.json").values()), {})
    missing = [case for case in wanted if case not in verdicts]
    if missing or not wanted:
        print(f"not ok - {directory.name}: {len(missing)} cases are not in the report, the first {missing[:1]}")
    failed = [case for case in wanted if case in verdicts and not is_good(case, verdicts[case])]
    for case in failed:
        print(f"not ok - {directory.name} {case}: {explanation(directory, verdicts[case])}")
    counts = Counter(verdict["behavior"] for verdict in verdicts.values())
    seconds = sum(verdict["duration"] for verdict in verdicts.values()) / 1000
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items(), key=lambda item: -item[1]))
    print(f"# {directory.name}: {len(verdicts)} of {len(wanted)} cases in {seconds:.0f} s: {kinds or 'no report'}")
    bad = len(failed) + len(missing)
    return len(wanted) - bad, bad if wanted else 1


def main() -> int:
    """Judges all; 1 if anything failed."""
    sums = [judge(Path(name)) for name in sys.argv[1:]]
    passed, failed = (sum(column) for column in zip(*sums))
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
