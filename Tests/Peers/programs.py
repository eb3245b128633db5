"""The programs that the tests of raw WebSockets start: ours on the C interface, and those of others."""

from __future__ import annotations

import asyncio
import os
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
PROGRAMS = FOLDER.parents[1] / "build/peers"
# For what is done at once when all is well.
SOON = 30.0


class Program:
    """A program that is running, with its output."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def line(self) -> str:
        """The next line of its output."""
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), SOON)
        assert line, f"it has ended with status {await self._process.wait()}"
        return line.decode().rstrip("\n")


@asynccontextmanager
async def started(*command: str | os.PathLike[str]) -> AsyncIterator[Program]:
    """Runs a program as long as the block."""
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def succeeds(*command: str | os.PathLike[str]) -> None:
    """Runs a program to its end, which must be a good one."""
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=STDOUT)
    try:
        output, _ = await asyncio.wait_for(process.communicate(), 2 * SOON)
    except asyncio.TimeoutError:
        process.kill()
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
