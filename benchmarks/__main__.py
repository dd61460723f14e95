"""Measure how fast quantcfg is against what people would use instead; print a line for each comparison."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from google.protobuf import text_format

from benchmarks import report
from benchmarks.comparisons import generated_model, results, results_of, small_request
from benchmarks.stages import shares
from quantcfg import cli


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all comparisons, or those for a prototxt; return the exit status."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "model", nargs="?", type=Path, help="a prototxt to read and compile; no more is measured"
    )
    what.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = options.model or generated_model(folder)
        config = small_request(folder)
        compiling = (model, config, folder / "config.json")
        if options.model and not _compiles(*compiling):
            return 1
        print(report.header())
        measured = []
        measure = results_of if options.model else results
        try:
            for result in measure(folder, model, config):
                measured.append(result)
                print(report.line(result), flush=True)
        except text_format.ParseError as error:
            print(
                f"there is nothing to compare with: protobuf cannot read the prototxt ({error})",
                file=sys.stderr,
            )
            return 1
        stages = shares(*compiling)
    said = filter(None, (report.summary(measured), report.stages(stages)))
    print("\n" + "\n\n".join(said))
    if options.write:
        report.write(measured, stages)
    return 0


def _compiles(model: Path, config: Path, output: Path) -> bool:
    """Tell whether a model can be compiled, and say why not."""
    return cli.main(["compile", "--model", str(model), "--config", str(config), "-o", str(output)]) == 0


if __name__ == "__main__":
    sys.exit(main())
