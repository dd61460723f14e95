"""Directories with a network, a request and the expected output.

A folder without a quant.cfg is compiled with the plain arguments as they are by
default. "pytest --update-golden" writes what is given now; look at it before it
is accepted.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from quantcfg.api import compile_files
from quantcfg.diagnostics.formats.text import render_all

MODEL, CONFIG = "deploy.prototxt", "quant.cfg"

FOLDERS = sorted(model.parent for model in Path(__file__).parent.glob(f"*/{MODEL}"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_folder_gives_what_lies_in_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    # Files are named in diagnostics as they are named here, and a mapping file is looked for here.
    monkeypatch.chdir(folder)
    compilation = compile_files(MODEL, None, CONFIG if Path(CONFIG).exists() else None)
    given = {
        "config.json": compilation.text,
        "diagnostics.txt": f"{render_all(found)}\n" if (found := compilation.diagnostics) else None,
    }
    if request.config.getoption("update_golden"):
        for name, content in given.items():
            replace(Path(name), content)
    assert given == {name: content_of(Path(name)) for name in given}


def replace(file: Path, content: str | None) -> None:
    if content is None:
        file.unlink(missing_ok=True)
    else:
        file.write_bytes(content.encode())


def content_of(file: Path) -> str | None:
    return file.read_bytes().decode() if file.exists() else None


def test_there_are_folders() -> None:
    assert len(FOLDERS) > 10
