"""Directories with a network, files to check against it, and the expected output in every format.

"pytest --update-golden" writes what is said now; look at it before it is
accepted.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from quantcfg.cli import main

MODEL, EXPECTED = "deploy.prototxt", "expected"

FOLDERS = sorted(model.parent for model in Path(__file__).parent.glob(f"*/{MODEL}"))

FORMATS: dict[str, tuple[str, ...]] = {
    "text.txt": (),
    "color.txt": ("--color", "always"),
    "concise.txt": ("--format", "concise"),
    "json.json": ("--format", "json"),
    "sarif.sarif": ("--format", "sarif"),
    "github.txt": ("--format", "github"),
    "alone.txt": ("--format", "concise"),
    "strict.txt": ("--format", "concise", "--strict"),
    "diff.txt": ("--diff",),
}

SARIF = (
    Path(__file__).parents[2]
    / ".venv/npm/node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json"
)

Captured = pytest.CaptureFixture[str]


def checked(folder: Path) -> str:
    """Return the name of the file to check in a directory."""
    return next(name for name in ("quant.cfg", "config.json") if (folder / name).exists())


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_output_is_as_expected(
    folder: Path, name: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, capsys: Captured
) -> None:
    monkeypatch.chdir(folder)
    model = () if name == "alone.txt" else ("--model", MODEL)
    main(["check", checked(folder), *model, *FORMATS[name]])
    out, err = capsys.readouterr()
    said = f"{out}{err}" if name.endswith(".txt") else out
    golden = Path(EXPECTED, name)
    if request.config.getoption("update_golden"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_fixed_files_have_only_the_rest(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    arguments = [checked(folder), "--model", MODEL, "--format", "json"]
    main(["check", *arguments])
    first = findings(capsys)
    assert main(["check", "--fix", *arguments]) == 1
    left = findings(capsys)
    main(["check", *arguments])
    assert findings(capsys) == left
    assert [(each["code"], each["message"]) for each in left] == [
        (each["code"], each["message"]) for each in first if not each["fix"]
    ]


def findings(capsys: Captured) -> list[dict[str, Any]]:
    document = json.loads(capsys.readouterr().out)
    assert document["version"] == 1
    diagnostics: list[dict[str, Any]] = document["diagnostics"]
    return diagnostics


def test_twelve_errors_have_twelve_diagnostics(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parent / "twelve_errors")
    assert main(["check", "quant.cfg", "--model", MODEL, "--format", "json"]) == 1
    places = [(each["code"], each["start"]["line"], each["start"]["column"]) for each in findings(capsys)]
    assert places == [
        ("QC201", 3, 1),
        ("QC202", 4, 14),
        ("QC401", 6, 14),
        ("QC404", 7, 14),
        ("QC403", 8, 19),
        ("QC401", 9, 21),
        ("QC412", 15, 18),
        ("QC501", 16, 21),
        ("QC501", 21, 53),
        ("QC409", 26, 34),
        ("QC206", 30, 1),
        ("QC106", 34, 15),
    ]


def test_five_errors_of_a_configuration_have_five_diagnostics(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parent / "configuration_by_hand")
    assert main(["check", "config.json", "--model", MODEL, "--format", "json"]) == 1
    places = [(each["code"], each["start"]["line"], each["start"]["column"]) for each in findings(capsys)]
    assert places == [
        ("QC514", 2, 5),
        ("QC412", 18, 27),
        ("QC514", 27, 5),
        ("QC511", 32, 9),
        ("QC513", 36, 13),
    ]


def test_sarif_is_valid_by_its_official_schema() -> None:
    if not SARIF.exists() and os.environ.get("CI") != "true":
        pytest.skip("npm was not here to bring the schema")
    validator = Draft4Validator(json.loads(SARIF.read_text(encoding="utf-8")))
    for folder in FOLDERS:
        log = json.loads((folder / EXPECTED / "sarif.sarif").read_text(encoding="utf-8"))
        assert list(validator.iter_errors(log)) == []
        assert log["runs"][0]["results"]


def test_a_sarif_log_of_nothing_is_valid(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not SARIF.exists() and os.environ.get("CI") != "true":
        pytest.skip("npm was not here to bring the schema")
    monkeypatch.chdir(tmp_path)
    Path("a b.cfg").write_text("")
    Path("c\u00e9.cfg").write_text("batch_num: 0")
    validator = Draft4Validator(json.loads(SARIF.read_text(encoding="utf-8")))
    for arguments in (["a b.cfg"], ["a b.cfg", "c\u00e9.cfg", "nowhere.cfg"]):
        main(["check", *arguments, "--format", "sarif"])
        assert list(validator.iter_errors(json.loads(capsys.readouterr().out))) == []
