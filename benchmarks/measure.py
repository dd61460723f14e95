"""What work costs: medians of alternating runs, and the memory that a new process needs."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

Work = Callable[[], object]

_FEWEST, _MOST = 3, 150
_SECONDS = 8
"""How long the runs of one comparison take, unless the fewest take longer or the most less: what a work
costs changes from second to second with what else the machine does."""

_ANSWERS = 15
"""How often an answer is waited for."""

_ADDED = """
import sys

def kilobytes(key):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(key))

{setup}
before = kilobytes("VmRSS")
open("/proc/self/clear_refs", "w").write("5")
{work}
print(max(0, kilobytes("VmHWM") - before) / 1024)
"""


@dataclass(frozen=True, slots=True)
class Costs:
    """What a work and its alternative cost, in one unit."""

    ours: float
    theirs: float

    @property
    def ratio(self) -> float:
        """How many times the alternative the work costs."""
        return self.ours / self.theirs


def milliseconds(ours: Work, theirs: Work) -> Costs:
    """Return the median times of two works, run in turn, after a run of each that does not count.

    It is processor time, of child processes too: what else runs on the machine counts for little in it.
    """
    first = _time(ours) + _time(theirs)
    rounds = max(_FEWEST, min(_MOST, int(_SECONDS * 1000 / first)))
    times = [(_time(ours), _time(theirs)) for _ in range(rounds)]
    return Costs(*map(statistics.median, zip(*times, strict=True)))


def elapsed_milliseconds(work: Work) -> float:
    """Return the median time that goes by until a work is done, wherever it is done."""
    work()
    return statistics.median(_time(work, time.perf_counter) for _ in range(_ANSWERS))


def _time(work: Work, clock: Callable[[], float] | None = None) -> float:
    clock = clock or _processor_time
    start = clock()
    work()
    return (clock() - start) * 1000


def _processor_time() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def megabytes(setup: str, work: str, *arguments: object) -> float:
    """Return how much memory some code adds to a new process at its peak, after other code (Linux only)."""
    command = [sys.executable, "-c", _ADDED.format(setup=setup, work=work), *map(str, arguments)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def process(*arguments: object) -> None:
    """Run Python in a new process."""
    subprocess.run([sys.executable, *map(str, arguments)], check=True, capture_output=True)
