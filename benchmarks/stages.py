"""Measure how the time of a compile in a new process is divided among its stages."""

from __future__ import annotations

import json
import resource
import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.measure import process

_ROUNDS = 9
_PROGRAM = """
import time

marks = {"interpreter start": time.process_time()}

import functools, json, sys
from importlib import import_module
import quantcfg.api
from quantcfg.__main__ import run
from quantcfg.cli import compile

marks["imports"] = time.process_time() - sum(marks.values())

def timed(stage, module, name):
    module = import_module(module)
    work = getattr(module, name)

    @functools.wraps(work)
    def measured(*arguments, **named):
        start = time.process_time()
        try:
            return work(*arguments, **named)
        finally:
            marks[stage] = marks.get(stage, 0) + time.process_time() - start

    setattr(module, name, measured)

for stage in json.loads(sys.argv.pop(1)):
    timed(*stage)
assert run() == 0
print(json.dumps(marks))
"""
REST = "the rest"
_READ, _READER = "bound tree to network", "quantcfg.editions.caffe.reader"
_STAGES = (
    ("prototxt to syntax tree", _READER, "parse"),
    ("syntax tree to bound tree", _READER, "bind"),
    (_READ, _READER, "read_network"),
    ("quant.cfg to request", "quantcfg.api", "request_from_config"),
    ("passes", "quantcfg.compile", "lower"),
    ("plan to configuration", "quantcfg.compile", "emit"),
    ("validation", "quantcfg.compile", "validate"),
    ("configuration to text", "quantcfg.emit.emit", "text_of"),
    ("writing the file", "quantcfg.api", "write_file"),
)


def shares(model: Path, config: Path, output: Path) -> Mapping[str, float]:
    """Return the share of each stage in the processor time of a compile, from 0 to 1, in order."""
    arguments = ("compile", "--model", model, "--config", config, "-o", output)
    runs = [_times(arguments) for _ in range(1 + _ROUNDS)][1:]
    medians = {stage: statistics.median(run[stage] for run in runs) for stage in runs[0]}
    return {stage: time / sum(medians.values()) for stage, time in medians.items()}


def _times(arguments: Iterable[object]) -> Mapping[str, float]:
    """Run a compile in a new process, and return the time of each stage in seconds."""
    before = _children()
    output = process("-c", _PROGRAM, json.dumps(_STAGES), *arguments)
    whole = _children() - before
    times: dict[str, float] = json.loads(output)
    times[_READ] -= sum(times[stage] for stage, module, _ in _STAGES if module == _READER)
    return times | {REST: whole - sum(times.values())}


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
