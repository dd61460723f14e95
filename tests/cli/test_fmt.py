"""quantcfg fmt: which files are written, shown, listed and not changed."""

from __future__ import annotations

import io
import json
import os
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from quantcfg import cli

Captured = pytest.CaptureFixture[str]

UNTIDY = b"# kept\r\nbatch_num:2 # kept, too\r\n\r\n\r\ncommon_config:<>\r\n"
TIDY = b"# kept\r\nbatch_num: 2  # kept, too\r\n\r\ncommon_config {}\r\n"
NET = b"name : 'net'"
DIFFERENCE = """\
--- untidy.cfg
+++ untidy.cfg (formatted)
@@ -1,5 +1,4 @@
 # kept\r
-batch_num:2 # kept, too\r
+batch_num: 2  # kept, too\r
 \r
-\r
-common_config:<>\r
+common_config {}\r
"""


@pytest.fixture(autouse=True)
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts of all kinds in the working directory."""
    monkeypatch.chdir(tmp_path)
    contents = {
        "untidy.cfg": UNTIDY,
        "tidy.cfg": TIDY,
        "deploy.prototxt": NET,
        "wrong.cfg": b"batch_num = 2",
        "latin.cfg": b"# caf\xe9\nbatch_num:2",
        "config.json": b'{"conv1": {}}',
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)


def fmt(capfd: Captured, *arguments: str) -> tuple[int, str, str]:
    """Format, and return the status, the result and the diagnostics."""
    status = cli.main(["fmt", *arguments])
    return status, *capfd.readouterr()


def stand_in(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """Set the content of standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_files_are_formatted_and_counted(capfd: Captured) -> None:
    summary = "3 files: 2 formatted, 1 unchanged\n"
    assert fmt(capfd, "untidy.cfg", "tidy.cfg", "deploy.prototxt") == (0, "", summary)
    assert Path("untidy.cfg").read_bytes() == TIDY
    assert Path("deploy.prototxt").read_bytes() == b"name: 'net'\n"
    assert fmt(capfd, "untidy.cfg") == (0, "", "1 file: 1 unchanged\n")


def written(name: str) -> tuple[int, int]:
    """Return what changes if a file is replaced or written to."""
    status = Path(name).stat()
    return status.st_ino, status.st_mtime_ns


def test_a_file_that_is_tidy_is_not_written(capfd: Captured) -> None:
    before = written("tidy.cfg")
    fmt(capfd, "tidy.cfg")
    assert written("tidy.cfg") == before


def test_a_formatted_file_keeps_its_mode_and_a_link_stays(capfd: Captured) -> None:
    Path("untidy.cfg").chmod(0o604)
    Path("link.cfg").symlink_to("untidy.cfg")
    fmt(capfd, "link.cfg")
    assert Path("link.cfg").is_symlink()
    assert stat.S_IMODE(Path("untidy.cfg").stat().st_mode) == 0o604
    assert Path("untidy.cfg").read_bytes() == TIDY


def test_a_check_names_what_would_change_and_changes_nothing(capfd: Captured) -> None:
    summary = "3 files: 2 would be formatted, 1 unchanged\n"
    result = fmt(capfd, "--check", "untidy.cfg", "tidy.cfg", "deploy.prototxt")
    assert result == (1, "untidy.cfg\ndeploy.prototxt\n", summary)
    assert Path("untidy.cfg").read_bytes() == UNTIDY
    assert fmt(capfd, "--check", "tidy.cfg") == (0, "", "1 file: 1 unchanged\n")


def test_a_difference_is_shown_and_nothing_is_changed(capfd: Captured) -> None:
    result = fmt(capfd, "--diff", "untidy.cfg", "tidy.cfg")
    assert result == (1, DIFFERENCE, "2 files: 1 would be formatted, 1 unchanged\n")
    assert Path("untidy.cfg").read_bytes() == UNTIDY
    assert fmt(capfd, "--diff", "tidy.cfg") == (0, "", "1 file: 1 unchanged\n")


def test_only_a_line_feed_ends_a_line_of_a_difference(capfd: Captured) -> None:
    Path("odd.cfg").write_bytes(b"a:\v1 # \xe2\x80\xa8 \f b")
    assert fmt(capfd, "--diff", "odd.cfg")[1].splitlines(keepends=True)[:2] == [
        "--- odd.cfg\n",
        "+++ odd.cfg (formatted)\n",
    ]
    assert fmt(capfd, "--diff", "odd.cfg")[1].split("\n")[3:] == [
        *("-a:\v1 # \u2028 \f b", "\\ No newline at end of file", "+a: 1  # \u2028 \f b", ""),
    ]


def test_a_file_with_errors_is_not_changed_and_the_others_are_formatted(capfd: Captured) -> None:
    names = ("wrong.cfg", "latin.cfg", "config.json", "nowhere.cfg", "untidy.cfg")
    before = {name: Path(name).read_bytes() for name in names[:3]}
    status, out, err = fmt(capfd, *names, "--format", "concise")
    assert status == 1
    assert [line.partition(": ")[::2] for line in out.splitlines()] == [
        ("wrong.cfg:1:11", 'error[QC105]: "=" is not allowed here'),
        ("latin.cfg:1:6", "error[QC102]: invalid UTF-8: byte 0xe9 at offset 5"),
        ("config.json:1:1", "error[QC212]: this is a JSON configuration, not protobuf text format"),
        ("nowhere.cfg", 'error[QC101]: cannot read "nowhere.cfg": no such file or directory'),
    ]
    assert err == "5 files: 1 formatted, 4 with errors\n"
    assert {name: Path(name).read_bytes() for name in before} == before
    assert Path("untidy.cfg").read_bytes() == TIDY


@pytest.mark.parametrize("option", ["--check", "--diff"])
def test_errors_are_reported_next_to_what_would_change(option: str, capfd: Captured) -> None:
    status, out, err = fmt(capfd, option, "wrong.cfg", "--format", "json")
    assert (status, out) == (1, "")
    assert [each["code"] for each in json.loads(err)["diagnostics"]] == ["QC105"]


def test_standard_input_is_formatted_onto_standard_output(
    capfd: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, UNTIDY)
    assert fmt(capfd, "-") == (0, TIDY.decode(), "1 file: 1 formatted\n")
    stand_in(monkeypatch, TIDY)
    assert fmt(capfd, "-") == (0, TIDY.decode(), "1 file: 1 unchanged\n")


def test_standard_input_with_errors_has_no_output(capfd: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, b"batch_num: 2\nbatch_num = 2")
    status, out, err = fmt(capfd, "-", "--stdin-filename", "some where.cfg")
    assert (status, out) == (1, "")
    assert err.startswith("some where.cfg:2:11: error[QC105]: ")
    assert err.endswith("\n1 file: 1 with errors\n")


def test_standard_input_is_named_as_it_is_called(capfd: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, UNTIDY)
    assert fmt(capfd, "--check", "-")[:2] == (1, "<stdin>\n")
    stand_in(monkeypatch, UNTIDY)
    assert fmt(capfd, "--diff", "-", "--stdin-filename", "untidy.cfg")[:2] == (1, DIFFERENCE)
    stand_in(monkeypatch, NET)
    assert fmt(capfd, "-", "--stdin-filename", "config.json")[0] == 1


def test_a_file_with_a_warning_is_formatted_unless_strict(capfd: Captured) -> None:
    content = b"# a\rb:1\nc:2"
    Path("old.cfg").write_bytes(content)
    assert fmt(capfd, "old.cfg", "--strict")[0] == 1
    assert Path("old.cfg").read_bytes() == content
    status, out, _ = fmt(capfd, "old.cfg", "--format", "concise")
    assert (status, out.partition(": ")[0]) == (0, "old.cfg:1:1")
    assert Path("old.cfg").read_bytes() == b"# a\rb:1\nc: 2\n"


def test_a_file_that_cannot_be_written_is_reported_and_stays(
    capfd: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = sorted(os.listdir())
    monkeypatch.setattr("os.fsync", refuse)
    status, out, err = fmt(capfd, "untidy.cfg", "tidy.cfg")
    assert (status, out) == (
        1,
        'untidy.cfg: error[QC502]: cannot write "untidy.cfg": no space left on device\n',
    )
    assert err == "\n2 files: 1 unchanged, 1 with errors\n"
    assert Path("untidy.cfg").read_bytes() == UNTIDY
    assert sorted(os.listdir()) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "required: FILE"),
        (["-", "tidy.cfg", "-"], "standard input can be read only once"),
        (["tidy.cfg", "--check", "--diff"], "not allowed with"),
    ],
)
def test_a_usage_error_has_status_2(arguments: list[str], said: str, capfd: Captured) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["fmt", *arguments])
    assert caught.value.code == 2
    assert said in capfd.readouterr().err


def test_what_goes_to_standard_output_is_a_file_whatever_the_encoding() -> None:
    command = [sys.executable, "-m", "quantcfg", "fmt", "-"]
    done = subprocess.run(
        command,
        input='skip_layers:"größe"'.encode(),
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert done.stdout == 'skip_layers: "größe"\n'.encode()


def test_a_standard_input_that_is_closed_is_an_error() -> None:
    command = f"{shlex.quote(sys.executable)} -m quantcfg fmt - <&-"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert 'error[QC101]: cannot read "<stdin>"' in done.stderr


def test_a_file_that_may_not_be_written_is_not_replaced(
    capfd: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("quant.cfg").write_text("batch_num:2")
    monkeypatch.setattr(os, "access", lambda _, mode: mode != os.W_OK)
    assert cli.main(["fmt", "quant.cfg"]) == 1
    assert 'error[QC502]: cannot write "quant.cfg": permission denied' in capfd.readouterr().out
    assert Path("quant.cfg").read_text() == "batch_num:2"
