"""Invalid inputs and outputs: each has a code and a location, without a crash or a lost file."""

from __future__ import annotations

import fcntl
import json
import os
import random
import resource
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from quantcfg import cli, limits
from tests.api.models import Model, write_model

pytestmark = pytest.mark.slow

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quant.cfg").write_text("batch_num: 2\n")
    return write_model(tmp_path)


def codes(capsys: Captured, *arguments: str) -> list[str]:
    """Run a command that shows its findings as JSON; return their codes."""
    assert cli.main([*arguments, "--format", "json"]) == 1
    out, err = capsys.readouterr()
    found = json.loads(out or err)["diagnostics"]
    assert all(each["file"] for each in found)
    return [each["code"] for each in found]


# --- inputs

CONTENTS: dict[str, tuple[bytes, list[str]]] = {
    "a caffemodel": (b"\x0a\x07tinynet\xa2\x06\x20" + bytes(range(32)) * 20, ["QC111"]),
    "zeros": (bytes(1000), ["QC111"]),
    "an image": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, ["QC111"]),
    "a byte order mark": (b"\xef\xbb\xbfbatch_num: 2", ["QC103"]),
    "UTF-16": ("batch_num: 0".encode("utf-16"), ["QC102", "QC501"]),
    "UTF-16, big": (b"\xfe\xff" + "batch_num: 0".encode("utf-16-be"), ["QC102", "QC501"]),
    "half of UTF-16": (b"\xff\xfeb", ["QC102"]),
    "comments in GBK": (
        "# \u91cf\u5316\u914d\u7f6e\nbatch_num: 0 # \u6279\u6b21\n".encode("gbk"),
        ["QC102", "QC501"],
    ),
    "a comment in Latin-1": (b"# caf\xe9 \xe9\nbatch_num: 0\n", ["QC102", "QC501"]),
    "a null character": (b"batch_num: 2\nskip_layers: 'a\0b'\n", ["QC105"]),
    "carriage returns only": (b"batch_num: 0\r# a\rjoint_quant: true\r", ["QC501", "QC115"]),
    "a string without an end": (b"skip_layers: 'a", ["QC106"]),
    "numbers beyond any range": (
        b"batch_num: " + b"9" * 5000 + b"\ncommon_config { ifmr_quantize { search_step: 1e999 } }",
        ["QC203", "QC211"],
    ),
    "a network": (b"layer { name: 'a' type: 'Convolution' }", ["QC212"]),
    "a configuration": (b'{"a": 1}', ["QC501"]),
    "deep": (b"common_config {" * 100_000, ["QC110"]),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_whatever_a_request_holds_it_is_checked(name: str, capsys: Captured) -> None:
    content, expected = CONTENTS[name]
    Path("quant.cfg").write_bytes(content)
    assert sorted(set(codes(capsys, "check", "quant.cfg"))) == sorted(set(expected))
    # A compile finds it as well, and writes nothing.
    if expected != ["QC115"] and not content.startswith(b"{"):
        arguments = ("compile", "--model", "deploy.prototxt", "--config", "quant.cfg", "-o", "out.json")
        assert sorted(set(codes(capsys, *arguments))) == sorted(set(expected))
        assert not Path("out.json").exists()


UNREADABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "folder": (lambda path: path.mkdir(), "directory"),
    "pipe": (os.mkfifo, "pipe"),
    "link to itself": (lambda path: path.symlink_to(path), "symbolic links"),
    "unreadable": (lambda path: path.symlink_to("/proc/self/mem"), ""),
    "missing": (lambda _: None, "no such file"),
}
"""How to make a path that is not a readable file, and the reason in the error."""


@pytest.mark.parametrize("role", ["config", "model", "weights"])
@pytest.mark.parametrize(("make", "reason"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_path_that_is_not_a_readable_file_is_reported(
    role: str, make: Any, reason: str, capsys: Captured
) -> None:
    odd = Path("odd")
    make(odd)
    files = {"model": "deploy.prototxt", "weights": "weights.caffemodel", "config": "quant.cfg", role: "odd"}
    arguments = [piece for name, file in files.items() for piece in (f"--{name}", file)]
    assert cli.main(["compile", *arguments, "-o", "out.json"]) == 1
    message = capsys.readouterr().err
    # A special file has size 0, and a caffemodel has not.
    is_empty = not reason and role == "weights"
    assert ("error[QC310]" if is_empty else 'error[QC101]: cannot read "odd": ') in message
    assert reason in message
    assert not Path("out.json").exists()


@pytest.mark.parametrize("command", [("layers", "--model"), ("name-nodes",)], ids=["layers", "name-nodes"])
@pytest.mark.parametrize(("make", "reason"), UNREADABLE.values(), ids=UNREADABLE)
def test_an_onnx_model_that_is_not_a_readable_file_is_reported(
    make: Any, reason: str, command: tuple[str, ...], capsys: Captured
) -> None:
    make(Path("odd.onnx"))
    output = ("-o", "out.onnx") if command == ("name-nodes",) else ()
    assert cli.main([*command, "odd.onnx", *output]) == 1
    message = capsys.readouterr().err
    # A file that only seems to be one is empty.
    assert ('error[QC101]: cannot read "odd.onnx": ' if reason else "error[QC117]") in message
    assert reason in message
    assert not Path("out.onnx").exists()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "QC117"),
        (b"layer { name: 'a' }", "QC117"),
        (bytes(1000), "QC332"),
        (b"\x08\x08", "QC333"),
        (b"\x08\x08\x3a\xff", "QC332"),
        (b"\x08\x08\x3a\x02\x0a\x00", None),
        (bytes(range(256)) * 100, "QC332"),
    ],
)
def test_whatever_an_onnx_model_holds_it_is_read(
    content: bytes, expected: str | None, capsys: Captured
) -> None:
    Path("net.onnx").write_bytes(content)
    assert cli.main(["layers", "--model", "net.onnx"]) == (0 if expected is None else 1)
    err = capsys.readouterr().err
    assert expected is None or f"error[{expected}]" in err
    request = ["compile", "--model", "net.onnx", "--config", "quant.cfg", "-o", "out.json"]
    assert codes(capsys, *request) == [expected or "QC406"]
    assert not Path("out.json").exists()


def test_a_device_is_not_a_regular_file(capsys: Captured) -> None:
    Path("device.cfg").write_text('nuq_config { mapping_file: "/dev/null" }')
    for option, file in (("weights", "/dev/null"), ("config", "device.cfg")):
        assert cli.main(["compile", "--model", "deploy.prototxt", f"--{option}", file, "-o", "out.json"]) == 1
        assert 'error[QC101]: cannot read "/dev/null": not a regular file\n' in capsys.readouterr().err


def test_a_pipe_of_the_shell_is_read() -> None:
    line = f"{sys.executable} -m quantcfg check <(echo 'batch_num: 0') /dev/stdin <<< 'batchnum: 2'"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False, timeout=60)
    assert "error[QC501]" in done.stdout
    assert "/dev/stdin:1:1: error[QC201]" in done.stdout


def test_a_device_without_an_end_is_too_large(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FILE_SIZE", 100_000)
    assert codes(capsys, "check", "/dev/zero") == ["QC112"]
    Path("quant.cfg").write_text("#" * 100_001)
    assert codes(capsys, "check", "quant.cfg") == ["QC112"]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("unknown.cfg", "foo: 1\n" * 50, "QC201"),
        ("again.cfg", "skip_layers: [" + '"a", ' * 50 + '"a"]', "QC404"),
        ("again.json", "{" + '"batch_num": 1, ' * 50 + '"batch_num": 1}', "QC511"),
        ("wrong.json", json.dumps({f"layer{number}": {"quant_enable": 3} for number in range(50)}), "QC501"),
    ],
)
def test_the_number_of_diagnostics_per_code_is_limited(
    name: str, content: str, code: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DIAGNOSTICS_PER_CODE", 10)
    Path(name).write_text(content)
    found = [each for each in codes(capsys, "check", name) if each in (code, "QC116")]
    assert found == [code] * 10 + ["QC116"]


def test_the_number_of_diagnostics_per_code_of_a_model_is_limited(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DIAGNOSTICS_PER_CODE", 10)
    text = Path("deploy.prototxt").read_text()
    Path("deploy.prototxt").write_text("name: 3\n" * 50 + text)
    arguments = ("compile", "--model", "deploy.prototxt", "--config", "quant.cfg", "-o", "out.json")
    assert codes(capsys, *arguments) == ["QC202"] * 10 + ["QC116"]


def test_fixes_include_diagnostics_beyond_the_limit(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DIAGNOSTICS_PER_CODE", 10)
    Path("quant.cfg").write_text("skip_layers: [" + '"a", ' * 50 + '"a"]')
    assert cli.main(["check", "quant.cfg", "--fix"]) == 0
    assert "50 fixed" in capsys.readouterr().err
    assert Path("quant.cfg").read_text() == 'skip_layers: ["a"]'


def test_a_prototxt_for_weights_and_the_other_way_round(capsys: Captured) -> None:
    swapped = ("layers", "--model", "weights.caffemodel", "--weights", "deploy.prototxt")
    assert cli.main([*swapped]) == 1
    err = capsys.readouterr().err
    assert 'error[QC111]: "weights.caffemodel" is not a text file' in err
    assert "expected a prototxt" in err
    assert 'error[QC310]: "deploy.prototxt" is not a valid caffemodel' in err


def test_a_network_with_too_many_layers_is_refused(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LAYERS", 2)
    assert cli.main(["layers", "--model", "deploy.prototxt"]) == 1
    assert "error[QC315]" in capsys.readouterr().err


# --- outputs


def quantcfg(*arguments: str, **more: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "quantcfg", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


COMPILE = ("compile", "--model", "deploy.prototxt", "-o", "out.json")


def test_a_disk_without_room_leaves_the_old_file_and_nothing_else() -> None:
    Path("out.json").write_text("old")

    def allow_little() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    before = sorted(os.listdir())
    process = quantcfg(*COMPILE, preexec_fn=allow_little)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert 'error[QC502]: cannot write "out.json": file too large' in err
    assert Path("out.json").read_text() == "old"
    assert sorted(os.listdir()) == before


@contextmanager
def waiting_compile(**more: Any) -> Iterator[tuple[subprocess.Popen[str], BinaryIO]]:
    """Start a compile that waits for the rest of its request, which comes from what is yielded with it."""
    read_end, write_end = os.pipe()
    with open(write_end, "wb", buffering=0) as request, open(read_end, "rb"):
        process = quantcfg(*COMPILE, "--config", f"/dev/fd/{read_end}", pass_fds=(read_end,), **more)
        request.write(b"# It waits for the rest of this request.")
        while is_waiting(read_end):
            time.sleep(0.01)
        yield process, request


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_an_interrupted_compile_leaves_the_old_file_and_nothing_else(number: signal.Signals) -> None:
    Path("out.json").write_text("old")
    before = sorted(os.listdir())
    # A suite that a script starts in the background has SIGINT ignored, and so would the child.
    heeding = partial(signal.signal, number, signal.SIG_DFL)
    with waiting_compile(preexec_fn=heeding) as (process, _):
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == -number
    assert (out, err) == ("", "")
    assert Path("out.json").read_text() == "old"
    assert sorted(os.listdir()) == before


INTERRUPTED = """
import os
import sys
from quantcfg.__main__ import run
replace, number = os.replace, int(sys.argv.pop(1))
def interrupted(source, target):
    os.kill(os.getpid(), number)
    replace(source, target)
os.replace = interrupted
run()
"""


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name
)
def test_a_signal_waits_while_a_file_is_replaced(number: signal.Signals) -> None:
    before = sorted(os.listdir())
    heeding = partial(signal.signal, number, signal.SIG_DFL)
    command = [sys.executable, "-c", INTERRUPTED, str(int(number)), *COMPILE]
    done = subprocess.run(command, preexec_fn=heeding, check=False, timeout=60)
    assert done.returncode == -number
    assert sorted(os.listdir()) == sorted([*before, "out.json"])


def test_an_interruption_is_ignored_where_the_parent_says_so() -> None:
    ignoring = partial(signal.signal, signal.SIGINT, signal.SIG_IGN)
    with waiting_compile(preexec_fn=ignoring) as (process, request):
        process.send_signal(signal.SIGINT)
        request.close()
        process.communicate(timeout=60)
    assert process.returncode == 0


def is_waiting(pipe: int) -> bool:
    """Return whether a pipe has unread content."""
    return fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4) != b"\0" * 4


@pytest.mark.parametrize(
    "command", [["check", "many.cfg"], ["check", "many.cfg", "--format", "json"], ["rule", "QC101"]]
)
def test_a_closed_pipe_ends_a_command_quietly(command: list[str]) -> None:
    Path("many.cfg").write_text("".join(f"unknown_{index}: 1\n" for index in range(3000)))
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m quantcfg {' '.join(command)} | head -1"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert len(done.stdout.splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert "Error" not in done.stderr


WRITER = """
import sys
import termios
from quantcfg.emit import write_file
texts = ["a" * 200_000, "b" * 300_000]
print("ready", flush=True)
while True:
    for text in texts:
        assert write_file("out.json", text, print)
"""
TEXTS = ("a" * 200_000, "b" * 300_000)


@pytest.mark.parametrize(
    "times", [pytest.param(5, id="normal"), pytest.param(200, id="deep", marks=pytest.mark.deep)]
)
def test_a_killed_writer_leaves_the_old_file_or_the_new_one_whole(times: int) -> None:
    chance = random.Random(0)
    for _ in range(times):
        process = subprocess.Popen([sys.executable, "-c", WRITER], stdout=subprocess.PIPE)
        assert process.stdout
        process.stdout.readline()
        time.sleep(chance.random() / 5)
        process.kill()
        process.communicate()
        assert not Path("out.json").exists() or Path("out.json").read_text() in TEXTS
    assert Path("out.json").exists()


def test_two_writers_of_one_file_leave_one_of_the_two_whole() -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER], stdout=subprocess.PIPE) for _ in range(2)]
    for writer in writers:
        assert writer.stdout
        writer.stdout.readline()
    while not Path("out.json").exists():
        time.sleep(0.01)
    for _ in range(100):
        assert Path("out.json").read_text() in TEXTS
    for writer in writers:
        writer.kill()
        writer.communicate()
    assert Path("out.json").read_text() in TEXTS
