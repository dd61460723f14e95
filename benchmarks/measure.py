"""Measure the median time of alternating runs, and the memory of a new process."""

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
"""How long one comparison runs, unless that is too few rounds; the speed of the machine varies."""

_ROUNDS = 15
"""How many runs elapsed_milliseconds measures."""

_SAMPLING = 0.002
"""How often the memory of a process is looked at, in seconds."""

HAS_MEMORY = Path("/proc/self/clear_refs").exists()
"""Whether the system reports the peak memory of a process (Linux)."""

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
    """The costs of quantcfg and of the alternative, in the same unit."""

    ours: float
    theirs: float

    @property
    def ratio(self) -> float:
        """Our cost divided by theirs."""
        return self.ours / self.theirs


def milliseconds(ours: Work, theirs: Work, *, fewest: int = _FEWEST) -> Costs:
    """Run both in turn, after a warm-up run of each, and return the medians.

    This is processor time, including child processes, so that other load has little effect.
    """
    ours(), theirs()
    times: list[tuple[float, float]] = []
    end = time.monotonic() + _SECONDS
    while len(times) < fewest or (len(times) < _MOST and time.monotonic() < end):
        times.append((_time(ours), _time(theirs)))
    return Costs(*map(statistics.median, zip(*times, strict=True)))


def elapsed_milliseconds(work: Work, rounds: int = _ROUNDS) -> float:
    """Return the median elapsed time, for work that another process does."""
    work()
    return statistics.median(_time(work, time.perf_counter) for _ in range(rounds))


def _time(work: Work, clock: Callable[[], float] | None = None) -> float:
    clock = clock or _processor_time
    start = clock()
    work()
    return (clock() - start) * 1000


def _processor_time() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def megabytes(setup: str, work: str, **paths: Path) -> float:
    """Return how much peak memory the code in work adds to a new process that has run setup.

    The paths are variables in both.
    """
    program = _ADDED.format(setup=setup, work=work)
    variables = json.dumps({name: str(path) for name, path in paths.items()})
    return float(process("-c", program, variables))


def anonymous_megabytes(*arguments: object) -> float:
    """Return the peak memory of a new Python process, without the pages of mapped files."""
    running = subprocess.Popen([sys.executable, *map(str, arguments)], stdout=subprocess.DEVNULL)
    most = 0
    while running.poll() is None:
        most = max(most, _anonymous_kilobytes(running.pid))
        time.sleep(_SAMPLING)
    if running.returncode:
        raise subprocess.CalledProcessError(running.returncode, running.args)
    return most / 1024


def _anonymous_kilobytes(process_id: int) -> int:
    lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("RssAnon:")), 0)


def process(*arguments: object) -> str:
    """Run Python in a new process, and return its standard output."""
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
