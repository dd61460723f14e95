"""Standard input in place of a file: "-" as --model, --config or the file of a command."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from quantcfg import cli, compile_config, read_model
from tests.api.models import Model, write_model

PROTOTXT = "deploy.prototxt"
CONFIG = 'skip_layers: "fc"\n'
STDIN = "-"


@pytest.fixture(autouse=True)
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quant.cfg").write_text(CONFIG)
    model = write_model(tmp_path)
    text = compile_config(read_model(PROTOTXT), config_text=CONFIG).text
    assert text
    (tmp_path / "config.json").write_text(text)
    return model


Outcome = tuple[int, str, str]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> Outcome:
    status = cli.main(arguments)
    return (status, *capsys.readouterr())


def feed(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


COMMANDS = [
    ("compile", "--model", PROTOTXT, "--config", "quant.cfg"),
    ("compile", "--model", PROTOTXT, "--weights", "weights.caffemodel", "--config", "quant.cfg"),
    ("explain", "--model", PROTOTXT, "--config", "quant.cfg"),
    ("explain", "--model", PROTOTXT, "--config", "quant.cfg", "conv1", "search_step"),
    ("layers", "--model", PROTOTXT),
    ("layers", "--model", PROTOTXT, "--weights", "weights.caffemodel", "--format", "json"),
    ("decompile", "config.json", "--model", PROTOTXT),
    ("diff", "quant.cfg", "config.json", "--model", PROTOTXT),
    ("schema", "--model", PROTOTXT),
    ("check", "quant.cfg", "config.json", "--model", PROTOTXT),
]


@pytest.mark.parametrize(
    ("command", "file"),
    [(command, file) for command in COMMANDS for file in (PROTOTXT, "quant.cfg") if file in command],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_standard_input_is_what_the_file_would_be(
    command: tuple[str, ...],
    file: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, err = run(capsys, *command)
    feed(monkeypatch, Path(file).read_bytes())
    outcome = run(capsys, *(STDIN if word == file else word for word in command))
    assert outcome == (status, out.replace(file, "<stdin>"), err.replace(file, "<stdin>"))


@pytest.mark.parametrize(
    ("option", "content", "said"),
    [
        ("--config", b"batch_num: 0", "<stdin>:1:12: error[QC501]"),
        ("--config", b"\xffskip_layers: 'conv9'", "<stdin>:1:1: error[QC102]"),
        ("--config", bytes(100), 'error[QC111]: "<stdin>" is not a text file'),
        ("--model", b"layer { name: 'a' type: 'Convolution'", "<stdin>:1:38: error[QC104]"),
        ("--model", b"", 'error[QC309]: "<stdin>" has no layers in phase TEST'),
    ],
)
def test_what_is_wrong_with_standard_input_has_its_name(
    option: str,
    content: bytes,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = {"--model": PROTOTXT, "--config": "quant.cfg", option: STDIN}
    arguments = [word for pair in files.items() for word in pair]
    feed(monkeypatch, content)
    status, _, err = run(capsys, "compile", *arguments, "-o", "out.json")
    assert (status, said in err) == (1, True)
    assert not Path("out.json").exists()


@pytest.mark.parametrize("option", ["--model", "--config"])
def test_a_closed_standard_input_is_reported(
    option: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    files = {"--model": PROTOTXT, "--config": "quant.cfg", option: STDIN}
    status, _, err = run(capsys, "compile", *(word for pair in files.items() for word in pair))
    assert status == 1
    assert 'error[QC101]: cannot read "<stdin>": bad file descriptor' in err


def test_the_output_may_be_called_like_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    feed(monkeypatch, CONFIG.encode())
    command = ("compile", "--model", PROTOTXT, "--config", STDIN, "-o", "./-")
    assert run(capsys, *command)[0] == 0
    assert Path("-").read_text() == Path("config.json").read_text()


ONCE = "standard input can be read only once"
NO_WEIGHTS = "--weights must be a file, not standard input"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("compile --model - --config -", ONCE),
        ("explain --model - --config - conv1", ONCE),
        ("check - --model -", ONCE),
        ("check quant.cfg - --model -", ONCE),
        ("decompile - --model -", ONCE),
        ("diff config.json - --model -", ONCE),
        ("diff - config.json --model -", ONCE),
        ("compile --model deploy.prototxt --weights -", NO_WEIGHTS),
        ("layers --model - --weights -", NO_WEIGHTS),
        ("schema --model deploy.prototxt --weights -", NO_WEIGHTS),
        ("check quant.cfg --model deploy.prototxt --weights -", NO_WEIGHTS),
        ("decompile config.json --model deploy.prototxt --weights -", NO_WEIGHTS),
        ("diff config.json config.json --model deploy.prototxt --weights -", NO_WEIGHTS),
        ("explain --model deploy.prototxt --weights -", NO_WEIGHTS),
    ],
)
def test_standard_input_is_read_once_and_not_as_weights(
    command: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        cli.main(command.split())
    assert raised.value.code == 2
    assert capsys.readouterr().err.endswith(f": error: {said}\n")


@pytest.mark.parametrize("command", ["compile", "explain", "layers", "decompile", "diff", "schema", "check"])
def test_the_help_says_that_the_model_may_be_standard_input(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert '--model FILE the model; "-" is standard input' in shown
    requests = {"compile": "a quant.cfg", "explain": "a quant.cfg, or a JSON configuration"}
    request = f'the request, {requests.get(command)}; "-" is standard input'
    assert (request in shown) == (command in requests)
