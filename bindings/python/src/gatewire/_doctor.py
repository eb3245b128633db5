"""What both faces of the doctor have in common: a step, and the collecting of steps."""

from __future__ import annotations

from ctypes import byref, c_uint64
from dataclasses import dataclass
from typing import Any, Optional

from . import _abi
from ._context import Context, Owner, Report, from_json
from ._options import ClientSetup
from .errors import GatewireError, actor_name, status_name


@dataclass(frozen=True)
class Step:
    """How one step to a gateway went."""

    #: ``name tcp proxy tls pin upgrade challenge auth tick``, in this order
    name: str
    #: ``"passed"``, ``"failed"``, or ``"skipped"``: not needed, or never reached
    result: str
    #: one line for a person, with what to do if it failed
    text: str
    #: who must act: ``none program user operator network``; anybody at a step that passed: look at the text
    actor: str
    #: ``"GW_OK"``, or why it failed
    status: str
    #: how long it took
    seconds: float
    #: trying again later can help
    retryable: bool
    #: addresses, certificate, headers, scopes, ...: parsed JSON, or ``None``
    details: Any


def read_step(report: Report) -> Step:
    """The step that an event stands for."""
    result = "passed" if report.status == _abi.OK else "failed"
    if report.flags & _abi.EVENT_SKIPPED:
        result = "skipped"
    return Step(
        report.name,
        result,
        report.text,
        actor_name(report.actor),
        status_name(report.status),
        report.code / 1e6,
        bool(report.flags & _abi.EVENT_RETRYABLE),
        from_json(report.payload),
    )


class Examination(Owner):
    """A doctor that runs.

    :ivar source: its id
    :ivar steps: those that have been judged
    :ivar done: whether nothing more will come
    :ivar lost: why, if it did not come to its end
    """

    def __init__(self, context: Context, setup: ClientSetup, tick: bool) -> None:
        self.steps: list[Step] = []
        self.done = False
        self.lost: Optional[GatewireError] = None
        self._context = context
        flags = 0 if tick else _abi.DOCTOR_NO_TICK
        number = c_uint64()
        context.check(_abi.lib.gw_doctor_start(context.handle, byref(setup.options), flags, byref(number)))
        self.source = number.value
        context.owners[self.source] = self

    def cancel(self) -> None:
        """Ends it, if it still runs."""
        if not self.done and self._context.handle is not None:
            _abi.lib.gw_doctor_cancel(self._context.handle, self.source)

    def _on_report(self, report: Report) -> None:
        if report.type == _abi.EVENT_DOCTOR_STEP:
            self.steps.append(read_step(report))
        else:
            self.done = True

    def _on_lost(self, error: GatewireError) -> None:
        self.lost = error
        self.done = True
