"""Packages are complete: the sdist, the wheel built from it, and the commands run from the wheel."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
DATA_FILES = ("grammar/*.lark", "grammar/*.json", "proto/*.binpb", "proto/*.json", "schemas/*.json")
UNSHIPPED = shutil.ignore_patterns(
    ".git", ".venv", "build", "dist", "node_modules", "*.egg-info", "__pycache__", ".*_cache"
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sdist and from it the wheel, in a copy of the tree that no earlier build has touched."""
    tree = tmp_path_factory.mktemp("tree") / "quantcfg"
    shutil.copytree(ROOT, tree, ignore=UNSHIPPED)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tree / "dist"), str(tree))
    (built,) = (tree / "dist").glob("*.whl")
    return built


def run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_holds_every_data_file(wheel: Path) -> None:
    names = set(ZipFile(wheel).namelist())
    expected = {f"quantcfg/{file.relative_to(ROOT)}" for pattern in DATA_FILES for file in ROOT.glob(pattern)}
    assert expected | {"quantcfg/py.typed"} <= names


def test_the_wheel_holds_every_module(wheel: Path) -> None:
    package = ROOT / "compiler"
    modules = {str(module.relative_to(package)) for module in package.rglob("*.py")}
    assert modules <= set(ZipFile(wheel).namelist())


def test_an_empty_environment_compiles_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    # Installed with this Python's pip, and not compiled: both would take longer than the rest.
    venv.create(tmp_path / "venv", with_pip=False)
    binaries = tmp_path / "venv" / "bin"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(binaries / "python"))
    run(*pip, "install", "--quiet", "--no-compile", str(wheel))
    for model in ("tinynet/deploy.prototxt", "tinyonnx/net.onnx"):
        path = ROOT / "examples" / model
        command = ["compile", "--model", str(path), "--config", str(path.with_name("quant.cfg"))]
        text = run(str(binaries / "quantcfg"), *command, cwd=tmp_path)
        assert text == run(sys.executable, "-m", "quantcfg", *command)
        assert text.startswith('{\n    "version":1,')
