"""The files that a command writes: which ones it does not replace, and how two are replaced together."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from quantcfg import QuantConfigError, cli, create_quant_config
from tests.api.models import Model, write_model

OLD = "old content\n"
MODEL = ("--model", "deploy.prototxt")


@pytest.fixture(autouse=True)
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.chdir(tmp_path)
    return write_model(tmp_path)


def refused(file: str) -> str:
    return f'error[QC502]: cannot write "{file}": is write-protected (mode 0444)\n'


def protect(file: str, text: str = OLD) -> None:
    Path(file).write_text(text)
    Path(file).chmod(0o444)


def is_untouched(file: str, text: str = OLD) -> bool:
    return Path(file).read_text() == text and stat.S_IMODE(Path(file).stat().st_mode) == 0o444


@pytest.mark.parametrize(
    "command",
    [
        ("compile", *MODEL),
        ("compile", *MODEL, "--annotate"),
        ("decompile", "config.json", *MODEL),
        ("schema",),
        ("schema", *MODEL),
    ],
    ids=" ".join,
)
def test_an_output_that_is_write_protected_is_refused(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["compile", *MODEL, "-o", "config.json"]) == 0
    protect("out")
    before = sorted(os.listdir())
    capsys.readouterr()
    assert cli.main([*command, "-o", "out"]) == 1
    assert refused("out") in capsys.readouterr().err
    assert is_untouched("out")
    assert sorted(os.listdir()) == before


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (("fmt",), "batch_num : 2"),
        (("migrate",), "conv_calibration_config { }"),
        (("check", "--fix"), 'skip_layers: ["fc", "fc"]'),
        (("check", "--fix", *MODEL), 'skip_layers: "convv1"'),
    ],
    ids=["fmt", "migrate", "check", "check with a model"],
)
def test_a_write_protected_file_is_not_rewritten(
    command: tuple[str, ...], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    protect("quant.cfg", text)
    assert cli.main([*command, "quant.cfg"]) == 1
    output = capsys.readouterr()
    assert refused("quant.cfg") in output.out + output.err
    assert is_untouched("quant.cfg", text)


def test_the_library_refuses_a_write_protected_file() -> None:
    protect("config.json")
    with pytest.raises(QuantConfigError, match=r"QC502.*is write-protected \(mode 0444\)"):
        create_quant_config("config.json", "deploy.prototxt", "weights.caffemodel")
    assert is_untouched("config.json")


# --- compile --annotate


TABLE = "config.json.origins.txt"
ANNOTATED = ("compile", *MODEL, "--annotate", "-o", "config.json")


@pytest.mark.parametrize("protected", ["config.json", TABLE])
@pytest.mark.parametrize("other", [None, OLD])
def test_if_one_of_the_two_files_is_write_protected_none_is_written(
    protected: str, other: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    (second,) = {"config.json", TABLE} - {protected}
    if other is not None:
        Path(second).write_text(other)
    protect(protected)
    assert cli.main(ANNOTATED) == 1
    err = capsys.readouterr().err
    assert err == f"{protected}: {refused(protected)}\n1 error, 0 warnings; nothing was written\n"
    assert is_untouched(protected)
    assert (Path(second).read_text() if Path(second).exists() else None) == other


@pytest.mark.parametrize("old", [None, OLD])
def test_if_the_second_file_cannot_be_replaced_the_first_is_put_back(
    old: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if old is not None:
        Path(TABLE).write_text(old)
        Path("config.json").write_text(old)
    before = {name: Path(name).read_text() for name in os.listdir() if Path(name).suffix != ".caffemodel"}
    replace = os.replace

    def fail_for_the_configuration(source: str, target: str) -> None:
        if target.endswith("config.json"):
            raise PermissionError(errno.EPERM, "Operation not permitted")
        replace(source, target)

    monkeypatch.setattr("os.replace", fail_for_the_configuration)
    assert cli.main(ANNOTATED) == 1
    assert capsys.readouterr().err.splitlines() == [
        'config.json: error[QC502]: cannot write "config.json": operation not permitted',
        "",
        "1 error, 0 warnings; nothing was written",
    ]
    after = {name: Path(name).read_text() for name in os.listdir() if Path(name).suffix != ".caffemodel"}
    assert after == before


@pytest.mark.parametrize("output", ["/dev/stdout", "/dev/fd/1", "/dev/stderr"])
def test_there_is_no_file_beside_a_descriptor(output: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        cli.main(["compile", *MODEL, "--annotate", "-o", output])
    assert raised.value.code == 2
    assert "--annotate requires -o and the name of a regular file" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["compile", "decompile in.json"])
def test_a_summary_shows_the_name_of_a_file_without_control_characters(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["compile", *MODEL, "-o", "in.json"]) == 0
    assert cli.main([*command.split(), *MODEL, "-o", "a\x1b[31mb"]) == 0
    assert "a\ufffd[31mb: " in capsys.readouterr().err
