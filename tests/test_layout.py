"""Where things are in the compiler: what each name says, and what only its entry points may touch."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

from quantcfg.cli import _COMMANDS

PACKAGE = Path(__file__).parents[1] / "compiler" / "quantcfg"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.stem not in ("__init__", "__main__"))
COMMANDS = {name.replace("-", "_") for name in _COMMANDS}


def kind(path: Path) -> str:
    """Return the folder of a module, the same for those that may share a name with others."""
    folder = str(path.parent.relative_to(PACKAGE))
    if folder == "cli" and path.stem in COMMANDS:
        return f"command {path.stem}"
    return re.sub(r"^editions/\w+|^\w+/formats", "of a kind", folder)


def test_no_two_modules_share_a_name_but_those_of_a_kind() -> None:
    folders: dict[str, set[str]] = defaultdict(set)
    for path in MODULES:
        folders[path.name].add(kind(path))
    shared = {name: found for name, found in folders.items() if len(found) > 1}
    assert {name for name, found in shared.items() if f"command {name[:-3]}" not in found} == set()


@pytest.mark.parametrize("module", ["gc", "signal"])
def test_only_the_entry_points_change_the_process(module: str) -> None:
    users = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if re.search(rf"^\s*(import|from) {module}\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert users == {"__main__.py", "lsp/server.py"}
