"""The Makefile makes a complete .venv or none."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("make") is None, reason="make is not at hand"),
]

ROOT = Path(__file__).parents[1]

FAKE = """\
#!{real}
# A Python of another version, whose virtual environments have a pip with the status of "pip-status".
import os, pathlib, sys
if sys.argv[1:] == ["--version"]:
    print("Python {version}.1")
elif sys.argv[1] == "-c":
    sys.version_info = (*map(int, "{version}.1".split(".")), "final", 0)
    exec(sys.argv[2])
elif sys.argv[1:3] == ["-m", "venv"]:
    binaries = pathlib.Path(sys.argv[3], "bin")
    binaries.mkdir(parents=True, exist_ok=True)
    python = binaries / "python"
    python.write_text("#!/bin/sh\\nexit $(cat pip-status)\\n")
    python.chmod(0o755)
    sys.exit(int(pathlib.Path("venv-status").read_text()))
"""


@pytest.fixture(autouse=True)
def _checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a directory that has what the Makefile needs, and where all steps are done at once."""
    monkeypatch.chdir(tmp_path)
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, name)
    Path("editors", "vscode").mkdir(parents=True)
    for step in ("pip", "venv"):
        Path(f"{step}-status").write_text("0")


def make(target: str, version: str) -> subprocess.CompletedProcess[str]:
    """Make a target with a Python of a version."""
    fake = Path("fake-python")
    fake.write_text(FAKE.format(real=sys.executable, version=version))
    fake.chmod(0o755)
    command = ["make", target, f"PYTHON=./{fake}"]
    # The suite may itself be run by make, which says so to what it runs.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=env)


ENVIRONMENTS = {".venv/demo": ".venv", "build/bench": "build/bench"}


@pytest.mark.parametrize(
    "target", ["demo", "test", "quick", "lint", "typecheck", "bench", "bench-advice", "proto", ".venv/fuzz"]
)
@pytest.mark.parametrize("version", ["3.10", "3.6", "2.7"])
def test_an_old_python_is_refused_in_one_line_and_leaves_nothing(target: str, version: str) -> None:
    before = sorted(Path().rglob("*"))
    done = make(target, version)
    assert done.returncode == 2
    said, ended = done.stderr.splitlines()
    assert said == (
        "quantcfg needs Python 3.11 or newer, "
        f"./fake-python is Python {version}.1: run make PYTHON=python3.12"
    )
    assert ended.startswith("make: ***")
    assert [path for path in sorted(Path().rglob("*")) if path.name != "fake-python"] == before


def test_the_oldest_python_is_that_of_the_package() -> None:
    required = tomllib.loads(Path("pyproject.toml").read_text())["project"]["requires-python"]
    (oldest,) = re.findall(r"needs Python ([\d.]+) or newer", Path("Makefile").read_text())
    assert required == f">={oldest}"
    assert make(".venv/demo", oldest).returncode == 0


@pytest.mark.parametrize(
    ("target", "step"), [(".venv/demo", "pip"), (".venv/demo", "venv"), ("build/bench", "venv")]
)
def test_a_step_that_fails_leaves_no_environment_and_the_next_try_is_right(target: str, step: str) -> None:
    Path(f"{step}-status").write_text("1")
    assert make(target, "3.12").returncode == 2
    assert not Path(ENVIRONMENTS[target]).exists()
    Path(f"{step}-status").write_text("0")
    assert make(target, "3.12").returncode == 0
    assert Path(target).exists()


def test_an_environment_that_was_left_half_made_is_made_again() -> None:
    Path(".venv", "lib", "python3.10").mkdir(parents=True)
    assert make(".venv/demo", "3.11").returncode == 0
    assert not Path(".venv", "lib").exists()


def test_an_environment_that_is_whole_stays_where_an_update_fails() -> None:
    assert make(".venv/demo", "3.11").returncode == 0
    os.utime(".venv/demo", (0, 0))
    Path("pip-status").write_text("1")
    assert make(".venv/demo", "3.11").returncode == 2
    assert Path(".venv/bin/python").exists()
    Path("pip-status").write_text("0")
    assert make(".venv/demo", "3.11").returncode == 0
