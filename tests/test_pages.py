"""The pages of docs/diagnostics: one for each code, with examples that are run.

A fenced block whose first line names a file is that file. In a console block,
the lines after "$ " are run in a directory with these files, and print the lines
below them. Files under "Fix" replace the others, and then the command no longer
reports the code. "pytest --update-golden" writes the present output into the
pages; check it before you commit it.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from quantcfg.cli import main
from quantcfg.diagnostics import Severity, catalogue
from quantcfg.diagnostics.catalogue import page, summary

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "diagnostics"
INDEX = "README.md"
RULES = catalogue.rules()
CODES = sorted(RULES)

_BLOCK = re.compile(r"^```(?P<language>\w+)(?: (?P<file>\S+))?\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"^\$ (?P<line>.*)\n(?P<output>(?:(?!\$ ).*\n)*)", re.MULTILINE)
_CODE = re.compile(r"\[(QC[0-9]{3})\]|\b(QC[0-9]{3})\b")


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.md") if path.name != INDEX) == CODES


def test_every_rule_is_used_somewhere() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "compiler").rglob("*.py"))
    names = {name for name, value in vars(catalogue).items() if isinstance(value, catalogue.Rule)}
    used = set(re.findall(r"\b(?:catalogue\.|report\()([A-Z0-9_]+)", code))
    assert names - used == set()


def test_no_two_rules_have_one_code() -> None:
    names = [value.code for value in vars(catalogue).values() if isinstance(value, catalogue.Rule)]
    assert sorted(names) == CODES


def test_the_index_lists_every_code() -> None:
    rows = [f"| [{code}]({code}.md) | {RULES[code].severity} | {summary(code)} |" for code in CODES]
    text = (FOLDER / INDEX).read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if line.startswith("| [")] == rows


@pytest.mark.parametrize("code", CODES)
def test_a_page_says_what_it_is_and_how_bad_that_is(code: str) -> None:
    lines = page(code).splitlines()
    severity = RULES[code].severity
    ignorable = f"; `--ignore {code}` hides it" if severity is not Severity.ERROR else ""
    assert re.fullmatch(rf"# {code}: \S.*", lines[0])
    assert lines[1:4:2] == ["", ""]
    assert lines[2] == f"Severity: {severity}{ignorable}"
    assert [line for line in lines if line.startswith("#")][1:] == ["## Example", "## Fix"]


@pytest.mark.slow
@pytest.mark.parametrize("code", CODES)
def test_the_example_of_a_page_has_the_code_and_its_fix_removes_it(
    code: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    example, fix = page(code).split("\n## Fix\n")
    commands = [match for block in blocks(example, "console") for match in _COMMAND.finditer(block)]
    write_files(example)
    printed = [run(command["line"], capfd) for command in commands]
    if request.config.getoption("update_golden"):
        update(code, commands, printed)
        pytest.skip("the page is written anew")
    assert printed == [command["output"] for command in commands]
    shown = {found for command in commands for found in codes_in(command["output"])}
    # What a finding is about may be another code; the page speaks of that first.
    introduced = codes_in(example.split("\n## Example\n")[0])
    assert {code} <= shown <= introduced
    if write_files(fix):
        assert [line for line in (run(command["line"], capfd) for command in commands) if code in line] == []


def update(code: str, commands: list[re.Match[str]], printed: list[str]) -> None:
    path = FOLDER / f"{code}.md"
    text = path.read_text(encoding="utf-8")
    for command, output in zip(commands, printed, strict=True):
        text = text.replace(command[0], f"$ {command['line']}\n{output}")
    path.write_text(text, encoding="utf-8")


def codes_in(text: str) -> set[str]:
    return {one or other for one, other in _CODE.findall(text)}


def blocks(text: str, language: str) -> list[str]:
    return [match["text"] for match in _BLOCK.finditer(text) if match["language"] == language]


def write_files(text: str) -> int:
    """Write the files of a page; return their number."""
    files = [match for match in _BLOCK.finditer(text) if match["file"]]
    for match in files:
        Path(match["file"]).write_text(match["text"], encoding="utf-8")
    return len(files)


def run(line: str, capfd: pytest.CaptureFixture[str]) -> str:
    """Run a line of a shell, and return what it prints."""
    if line.startswith("quantcfg ") and not set(line) & set("|<>&;$`"):
        capfd.readouterr()
        main(shlex.split(line)[1:])
        out, err = capfd.readouterr()
        return out + err
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", line],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={**os.environ, "PATH": path},
    )
    return done.stdout
