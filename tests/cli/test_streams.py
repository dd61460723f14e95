"""Outputs that are not regular files: pipes and devices, and streams that are closed or full."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from quantcfg import cli, compile_config, read_model
from tests.api.models import Model, write_model

pytestmark = pytest.mark.slow


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.chdir(tmp_path)
    return write_model(tmp_path)


def expected() -> str:
    text = compile_config(read_model("deploy.prototxt")).text
    assert text
    return text


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """Run a line in which "quantcfg" is the command, and "compile" that of the model."""
    line = line.replace("quantcfg", f"{sys.executable} -m quantcfg")
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


COMPILE = "quantcfg compile --model deploy.prototxt"


def test_a_pipe_is_written_to_and_stays_a_pipe(model: Model) -> None:
    pipe = model.folder / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    assert cli.main(["compile", "--model", "deploy.prototxt", "-o", str(pipe)]) == 0
    reader.join(timeout=20)
    assert read == [expected()]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.usefixtures("model")
def test_standard_output_may_be_named_as_a_device() -> None:
    assert shell(f"{COMPILE} -o /dev/stdout | cat").stdout == expected()


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("command", [COMPILE, "quantcfg layers --model deploy.prototxt"])
@pytest.mark.parametrize("stream", ["> /dev/full", ">&-"], ids=["full", "closed"])
def test_a_standard_output_that_takes_nothing_is_an_error(command: str, stream: str) -> None:
    done = shell(f"{command} {stream}")
    assert done.returncode == 1
    assert 'error[QC502]: cannot write "standard output": ' in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("model")
def test_what_belongs_on_a_closed_standard_error_goes_nowhere_else() -> None:
    done = shell(f"{COMPILE} 2>&-")
    assert done.returncode == 0
    assert json.loads(done.stdout)
    assert done.stdout == expected()


def test_the_mapping_file_of_the_request_is_not_written_over(model: Model) -> None:
    mapping = model.folder / "mapping.json"
    mapping.write_text('{"graph": [{"op": []}]}')
    (model.folder / "quant.cfg").write_text('nuq_config { mapping_file: "mapping.json" }')
    done = shell(f"{COMPILE} --config quant.cfg -o mapping.json")
    assert done.returncode == 1
    assert 'error[QC503]: cannot write "mapping.json": is an input file' in done.stderr
    assert mapping.read_text() == '{"graph": [{"op": []}]}'


def test_names_in_the_table_obey_no_terminal(model: Model) -> None:
    text = Path(model.prototxt).read_text().replace('name: "relu1"', r'name: "\033[31mred\n"')
    Path(model.prototxt).write_text(text)
    done = shell("quantcfg layers --model deploy.prototxt")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert len(done.stdout.splitlines()) == 6


def test_a_descriptor_that_is_a_file_is_written_through(model: Model) -> None:
    done = shell(f"(echo before; {COMPILE} -o /dev/stdout; echo; echo after) > log")
    assert done.returncode == 0
    assert (model.folder / "log").read_text() == f"before\n{expected()}\nafter\n"


def test_an_open_descriptor_without_a_name_is_written_to(model: Model) -> None:
    done = shell(f"exec 3<>gone; rm gone; {COMPILE} -o /dev/fd/3; cat /dev/fd/3 > got")
    assert done.returncode == 0
    assert sorted(file.name for file in model.folder.iterdir() if "gone" in file.name) == []


@pytest.mark.parametrize("stream", ["2>/dev/full", "2> >(exec true)"], ids=["full", "closed pipe"])
def test_a_standard_error_that_takes_nothing_does_not_change_the_status(model: Model, stream: str) -> None:
    done = shell(f"{COMPILE} -o config.json {stream}")
    assert done.returncode == 0
    assert (model.folder / "config.json").read_text() == expected()


@pytest.mark.parametrize("name", ["new/", "new/.", "new/..", ".", ""])
def test_the_name_of_a_folder_is_none_of_a_file(
    model: Model, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["compile", "--model", "deploy.prototxt", "-o", name]) == 1
    assert "QC503" in capsys.readouterr().err
    assert not (model.folder / "new").exists()


def test_a_link_to_itself_stays(model: Model, capsys: pytest.CaptureFixture[str]) -> None:
    loop = model.folder / "loop"
    loop.symlink_to(loop)
    assert cli.main(["compile", "--model", "deploy.prototxt", "-o", str(loop)]) == 1
    assert "QC502" in capsys.readouterr().err
    assert loop.is_symlink()


def writes(stream: str, *arguments: str) -> list[str]:
    """Run the command; return what it writes to one of its streams, by the single writes."""
    reading, writing = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with reading, writing:
        streams: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        command = [sys.executable, "-m", "quantcfg", *arguments]
        subprocess.run(command, check=False, timeout=60, **{**streams, stream: writing})
        writing.close()
        return [*iter(lambda: reading.recv(1_000_000).decode(), "")]


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(
    ("command", "last"),
    [
        ("layers --model deploy.prototxt", 'the output shape of "conv1" is unknown: '),
        ("compile --model deploy.prototxt -o config.json", "config.json: 3 layers quantized"),
        ("compile --model deploy.prototxt --skip-layer x y", "\n2 errors, 0 warnings; nothing was written\n"),
        ("check quant.cfg --model deploy.prototxt", "\n1 file checked: 1 error, 0 warnings\n"),
        ("fmt quant.cfg", "\n1 file: 1 with errors\n"),
        ("explain --model deploy.prototxt --config old.cfg", '1 warning; "quantcfg check" shows it\n'),
    ],
    ids=lambda value: value.split()[0],
)
def test_a_line_on_standard_error_is_one_write(model: Model, command: str, last: str) -> None:
    (model.folder / "quant.cfg").write_text("batch_num: 2 ?")
    (model.folder / "old.cfg").write_text("conv_calibration_config { }")
    written = writes("stderr", *command.split())
    assert written[-1].startswith(last)
    assert [each for each in written if not each.endswith("\n")] == []
    assert "\n" not in written


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(
    "command", ["layers --model deploy.prototxt", "rule QC101", "schema", "check no.cfg"]
)
def test_a_result_on_standard_output_is_one_write(command: str) -> None:
    (written,) = writes("stdout", *command.split())
    assert written.endswith("\n")
