"""What work costs: medians of alternating runs, and the memory that a new process needs."""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Work = Callable[[], object]

_FEWEST, _MOST = 3, 150
_SECONDS = 8
"""After how many seconds no more runs of one comparison start, unless they are still too few: what a work
costs changes from second to second with what else the machine does."""

_ANSWERS = 15
"""How often an answer is waited for."""

HAS_MEMORY = Path("/proc/self/clear_refs").exists()
"""Whether the system tells how much memory a process needs (Linux)."""

_ADDED = """
import json, sys

globals().update(json.loads(sys.argv[1]))

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


def milliseconds(ours: Work, theirs: Work, *, fewest: int = _FEWEST) -> Costs:
    """Return the median times of two works, run in turn, after a run of each that does not count.

    It is processor time, of child processes too: what else runs on the machine counts for little in it.
    """
    ours(), theirs()
    times: list[tuple[float, float]] = []
    end = time.monotonic() + _SECONDS
    while len(times) < fewest or (len(times) < _MOST and time.monotonic() < end):
        times.append((_time(ours), _time(theirs)))
    return Costs(*map(statistics.median, zip(*times, strict=True)))


def elapsed_milliseconds(work: Work, answers: int = _ANSWERS) -> float:
    """Return the median time that goes by until a work is done, wherever it is done."""
    work()
    return statistics.median(_time(work, time.perf_counter) for _ in range(answers))


def _time(work: Work, clock: Callable[[], float] | None = None) -> float:
    clock = clock or _processor_time
    start = clock()
    work()
    return (clock() - start) * 1000


def _processor_time() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def megabytes(setup: str, work: str, **paths: Path) -> float:
    """Return how much memory some code adds to a new process at its peak, after other code.

    The paths are variables in both.
    """
    program = _ADDED.format(setup=setup, work=work)
    variables = json.dumps({name: str(path) for name, path in paths.items()})
    return float(process("-c", program, variables))


def process(*arguments: object) -> str:
    """Run Python in a new process; return what it writes."""
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
