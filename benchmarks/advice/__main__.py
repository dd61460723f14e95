"""Measure how well `quantcfg advise` predicts, on networks with weights and on photographs."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import pages
from benchmarks.advice import networks, page
from benchmarks.advice.measurements import measure

_MODELS = Path(__file__).parents[2].parent / "shared" / "models"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all networks, or one, and return the exit status."""
    parser = argparse.ArgumentParser(prog="benchmarks.advice", description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("network", nargs="?", choices=networks.MODELS, help="measure this network only")
    what.add_argument("--write", action="store_true", help=f"write the results into docs/{page.PAGE.name}")
    options = parser.parse_args(arguments)
    start, found = time.monotonic(), []
    for name in [options.network] if options.network else networks.MODELS:
        print(f"{name} ...", file=sys.stderr, flush=True)
        found.append(measure(networks.read(_MODELS, name)))
    content = page.render(found, time.monotonic() - start)
    print(content, end="")
    if options.write:
        pages.replace_results(page.PAGE, content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
