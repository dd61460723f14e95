"""Measure how fast quantcfg is against what people would use instead; print a line for each comparison."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from benchmarks import report
from benchmarks.comparisons import inputs_of_a_compile, results
from benchmarks.stages import shares


def main() -> None:
    """Run all comparisons."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument(
        "model",
        nargs="?",
        type=Path,
        help="a prototxt to read and compile, in place of a generated one of the size that the goals are for",
    )
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    options = parser.parse_args()
    if options.model and not options.model.is_file():
        parser.error(f'there is no file "{options.model}"')
    print(report.header())
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        _cache_bytecode(folder)
        model, config = inputs_of_a_compile(Path(folder), options.model)
        for result in results(Path(folder), model, config):
            measured.append(result)
            print(report.line(result), flush=True)
        stages = shares(model, config, Path(folder) / "config.json")
    print(f"\n{report.summary(measured)}\n\n{report.stages(stages)}")
    if options.write:
        report.write(measured, stages)


def _cache_bytecode(folder: str) -> None:
    """Let new processes find the byte code of all modules, as after an installation."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(Path(folder) / "bytecode")


if __name__ == "__main__":
    main()
