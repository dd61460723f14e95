"""python -m fuzz TARGET [options of libFuzzer]: find inputs that crash a reader.

It starts with the corpus in fuzz/corpus, and writes new inputs to build/fuzz.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["quantcfg"]):
    from fuzz.targets import CORPUS, ROOT, TARGETS


def main() -> None:
    """Fuzz one target."""
    name, *options = sys.argv[1:]
    grown = ROOT / "build" / "fuzz" / name
    grown.mkdir(parents=True, exist_ok=True)
    atheris.Setup([sys.argv[0], *options, str(grown), str(CORPUS / name)], TARGETS[name]())
    atheris.Fuzz()


if __name__ == "__main__":
    main()
