"""The commands of the README have the output shown there."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from quantcfg.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXPLAIN = (ROOT / "docs" / "explain.md").read_text(encoding="utf-8")
EXAMPLE = Path("examples", "tinynet")


def blocks(language: str, page: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


def runnable() -> list[str]:
    return [block for block in blocks("console") if block.startswith("$ quantcfg")]


@pytest.fixture
def in_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run in a writable directory with the examples."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("block", runnable())
def test_a_shown_command_prints_what_is_shown(
    block: str, in_project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command, _, expected = block.partition("\n")
    assert main(shlex.split(command)[2:]) == 0
    output = capsys.readouterr()
    assert output.out + output.err == expected
    assert in_project.exists()


def test_the_shown_request_and_configuration_are_the_example(
    in_project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shown_request,) = blocks("textproto")
    (shown_config,) = blocks("json")
    request = (EXAMPLE / "quant.cfg").read_text(encoding="utf-8")
    for line in shown_request.splitlines():
        assert line == "..." or line in request.splitlines()
    assert main(compile_command()) == 0
    text = capsys.readouterr().out
    assert text.startswith(shown_config.removesuffix("    ...\n"))
    assert json.loads(text)["fc2"]["quant_enable"] is False
    assert in_project.exists()


@pytest.mark.parametrize("name", ["deploy.prototxt", "quant.cfg"])
def test_the_example_is_formatted(name: str) -> None:
    assert main(["fmt", "--check", str(ROOT / EXAMPLE / name)]) == 0


def test_the_shown_error_has_the_shown_diagnostic(
    in_project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shown,) = blocks("text")
    for name in ("deploy.prototxt", "quant.cfg"):
        (in_project / name).write_text((EXAMPLE / name).read_text(encoding="utf-8"), encoding="utf-8")
    request = in_project / "quant.cfg"
    pooling = re.compile(
        r'override_layer_types \{\n  layer_type: "Pooling".*?^\}\n', re.DOTALL | re.MULTILINE
    )
    request.write_text(pooling.sub("", request.read_text(encoding="utf-8")), encoding="utf-8")
    assert main(["compile", "--model", "deploy.prototxt", "--config", "quant.cfg"]) == 1
    assert capsys.readouterr().err == shown


def test_make_runs_what_is_shown_for_people_without_make() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipes = makefile.replace("$(BIN)", ".venv/bin").replace("$(EXAMPLE)", str(EXAMPLE))
    recipes = recipes.replace("$(PYTHON)", "python3").replace("$(PIP)", ".venv/bin/pip")
    (shown,) = (block for block in blocks("console") if "pip install -e ." in block)
    for line in filter(None, shown.splitlines()):
        assert line in recipes


def compile_command() -> list[str]:
    return ["compile", "--model", str(EXAMPLE / "deploy.prototxt"), "--config", str(EXAMPLE / "quant.cfg")]


def test_the_shown_explanation_for_programs_is_the_document(
    in_project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shown,) = blocks("json", EXPLAIN)
    assert main(["explain", *compile_command()[1:], "batch_num", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(shown)
    assert in_project.exists()


def test_the_shown_lines_are_those_of_the_table(in_project: Path) -> None:
    (shown,) = (block for block in blocks("text", EXPLAIN) if "location  " in block)
    assert main([*compile_command(), "--annotate", "-o", "config.json"]) == 0
    table = (in_project / "config.json.origins.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in shown.splitlines() if line != "..." and line not in table] == []
