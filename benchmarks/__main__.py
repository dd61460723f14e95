"""Compare the speed of quantcfg with what people would use instead, one line per comparison."""

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
    """Run all comparisons, or those for one prototxt, and return the exit status."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("model", nargs="?", type=Path, help="measure reading and compiling this prototxt only")
    what.add_argument("--write", action="store_true", help="write the results into docs/performance.md")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        model = options.model or generated_model(directory)
        config = small_request(directory)
        compiling = (model, config, directory / "config.json")
        if options.model and not _compiles(*compiling):
            return 1
        print(report.header())
        measured = []
        measure = results_of if options.model else results
        try:
            for result in measure(directory, model, config):
                measured.append(result)
                print(report.line(result), flush=True)
        except text_format.ParseError as error:
            print(
                f"cannot compare: protobuf cannot read the prototxt ({error})",
                file=sys.stderr,
            )
            return 1
        stages = shares(*compiling)
    print("\n" + "\n\n".join(filter(None, (report.summary(measured), report.stages(stages)))))
    if options.write:
        report.write(measured, stages)
    return 0


def _compiles(model: Path, config: Path, output: Path) -> bool:
    """Return whether a model compiles, after printing its diagnostics."""
    return cli.main(["compile", "--model", str(model), "--config", str(config), "-o", str(output)]) == 0


if __name__ == "__main__":
    sys.exit(main())
