"""Measure how fast quantcfg is against what people would use instead; print a line for each comparison."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from benchmarks import report
from benchmarks.comparisons import results


def main() -> None:
    """Run all comparisons."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument(
        "model", nargs="?", type=Path, help="a prototxt to read and compile, in place of a generated one"
    )
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    options = parser.parse_args()
    print(report.header())
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        _cache_bytecode(folder)
        for result in results(Path(folder), options.model):
            measured.append(result)
            print(report.line(result), flush=True)
    if options.write:
        report.write(measured)


def _cache_bytecode(folder: str) -> None:
    """Let new processes find the byte code of all modules, as after an installation."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(Path(folder) / "bytecode")


if __name__ == "__main__":
    main()
