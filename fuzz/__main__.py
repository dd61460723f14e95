"""python -m fuzz TARGET [options of libFuzzer]: look for inputs that a reader cannot take.

The corpus in the tree is where it starts; what it finds on the way goes to build/fuzz.
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
