"""quantcfg migrate: which files are written, shown, listed or not changed; for the rest, see test_fmt.py."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from quantcfg import cli

Captured = pytest.CaptureFixture[str]

OLD = b"common_config :{}\r\nfc_calibration_config { } # of old\r\n"
NEW = b"common_config :{}\r\n# of old\r\n"
NON_UNIFORM = b"nuq_config { mapping_file: 'm.json' } conv_calibration_config { }"


@pytest.fixture(autouse=True)
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts of all kinds in the working directory."""
    monkeypatch.chdir(tmp_path)
    contents = {
        "old.cfg": OLD,
        "new.cfg": NEW,
        "wrong.cfg": b"batch_num: 0 conv_calibration_config { }",
        "non_uniform.cfg": NON_UNIFORM,
        "deploy.prototxt": b"layer { name: 'a' type: 'Convolution' }",
        "config.json": b'{"conv1": {}}',
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)


def migrate(capfd: Captured, *arguments: str) -> tuple[int, str, str]:
    """Migrate, and return the status, the result and the diagnostics."""
    status = cli.main(["migrate", *arguments])
    return status, *capfd.readouterr()


def test_files_are_migrated_and_counted(capfd: Captured) -> None:
    assert migrate(capfd, "old.cfg", "new.cfg") == (0, "", "2 files: 1 migrated, 1 unchanged\n")
    assert Path("old.cfg").read_bytes() == NEW
    assert migrate(capfd, "old.cfg") == (0, "", "1 file: 1 unchanged\n")


def test_a_check_names_what_would_change_and_changes_nothing(capfd: Captured) -> None:
    summary = "2 files: 1 would be migrated, 1 unchanged\n"
    assert migrate(capfd, "--check", "old.cfg", "new.cfg") == (1, "old.cfg\n", summary)
    assert migrate(capfd, "--check", "new.cfg")[0] == 0
    assert Path("old.cfg").read_bytes() == OLD


def test_a_difference_is_shown_and_nothing_is_changed(capfd: Captured) -> None:
    status, out, err = migrate(capfd, "--diff", "old.cfg", "new.cfg")
    assert (status, err) == (1, "2 files: 1 would be migrated, 1 unchanged\n")
    assert out.splitlines()[2:] == [
        *("@@ -1,2 +1,2 @@", " common_config :{}", "-fc_calibration_config { } # of old", "+# of old"),
    ]
    assert Path("old.cfg").read_bytes() == OLD


def test_what_cannot_be_migrated_stays_and_the_others_are_migrated(capfd: Captured) -> None:
    names = ("wrong.cfg", "non_uniform.cfg", "deploy.prototxt", "config.json")
    before = {name: Path(name).read_bytes() for name in names}
    status, out, err = migrate(capfd, *names, "old.cfg", "--format", "concise")
    assert status == 1
    assert [line.partition(": error")[::2] for line in out.splitlines()] == [
        ("wrong.cfg:1:12", '[QC501]: "batch_num" must be at least 1, not 0'),
        (
            "non_uniform.cfg:1:39",
            '[QC431]: "conv_calibration_config" cannot be migrated together with nuq_config: '
            "overrides would keep InnerProduct layers from non-uniform quantization",
        ),
        ("deploy.prototxt:1:1", "[QC212]: this is a Caffe network, not a quant.cfg"),
        ("config.json:1:1", "[QC212]: this is a JSON configuration, not a quant.cfg"),
    ]
    assert err == "5 files: 1 migrated, 4 with errors\n"
    assert {name: Path(name).read_bytes() for name in names} == before
    assert Path("old.cfg").read_bytes() == NEW


@pytest.mark.parametrize("content", [OLD, NEW])
def test_standard_input_is_migrated_onto_standard_output(
    content: bytes, capfd: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert migrate(capfd, "-")[:2] == (0, NEW.decode())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "required: FILE"),
        (["-", "old.cfg", "-"], "standard input can be read only once"),
        (["old.cfg", "--check", "--diff"], "not allowed with"),
    ],
)
def test_a_usage_error_has_status_2(arguments: list[str], said: str, capfd: Captured) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["migrate", *arguments])
    assert caught.value.code == 2
    assert said in capfd.readouterr().err
