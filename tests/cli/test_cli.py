"""The command, in this process and in a new one."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import quantcfg
from quantcfg import cli, compile_config, read_model
from quantcfg.cli.usage import Parser
from quantcfg.plan import PASSES
from tests.api.models import Model, write_model
from tests.networks import batch_norm, conv, deconv, inner_product, net, pool, relu, scale

PROTOTXT = net(
    conv("conv1"),
    batch_norm("bn1", "conv1"),
    scale("scale1", "bn1"),
    relu("relu1", "scale1"),
    deconv("up", "relu1"),
    batch_norm("bn2", "up"),
    scale("scale2", "bn2"),
    pool("pool5", "scale2"),
    inner_product("fc", "pool5"),
)
SHAPES = {"conv1": ((8, 3, 3, 3), (8,)), "up": ((8, 8, 3, 3), (8,)), "fc": ((8, 128), (8,))}

CONFIG = 'batch_num: 2\nskip_layers: "fc"\nskip_fusion_layers: "up"\n'
WRONG_CONFIG = 'batch_num: 0\nskip_layers: "cf"\nconv_calibration_config { }\n'


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    """The files of a model and requests for it, in the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quant.cfg").write_text(CONFIG)
    (tmp_path / "wrong.cfg").write_text(WRONG_CONFIG)
    return write_model(tmp_path, PROTOTXT, SHAPES)


@pytest.fixture(autouse=True)
def _in_place(model: Model) -> None:
    """Have the files there for all tests."""


MODEL = ("--model", "deploy.prototxt")
WEIGHTS = ("--weights", "weights.caffemodel")
CONFIGURED = ("--config", "quant.cfg")
WRONG = ("--config", "wrong.cfg")


def text_for(**arguments: Any) -> str:
    text = compile_config(read_model("deploy.prototxt", "weights.caffemodel"), **arguments).text
    assert text
    return text


def files() -> set[str]:
    return {path.name for path in Path().iterdir()}


INPUTS = {"deploy.prototxt", "weights.caffemodel", "quant.cfg", "wrong.cfg"}


# --- compile


@pytest.mark.parametrize("weights", [(), WEIGHTS])
@pytest.mark.parametrize("output", [(), ("-o", "-"), ("--output", "-")])
def test_standard_output_has_exactly_the_content_of_the_file(
    weights: Sequence[str], output: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["compile", *MODEL, *weights, *CONFIGURED, *output]) == 0
    out, err = capsys.readouterr()
    assert out == text_for(config_text=CONFIG)
    assert err == "3 layers quantized, 1 skipped, 1 fused, 0 warnings\n"
    assert files() == INPUTS


def test_the_file_is_written_and_standard_output_stays_empty(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compile", *MODEL, *WEIGHTS, *CONFIGURED, "-o", "results/config.json"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "results/config.json: 3 layers quantized, 1 skipped, 1 fused, 0 warnings\n"
    assert Path("results/config.json").read_text() == text_for(config_text=CONFIG)


def test_plain_options_are_the_plain_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    plain = [
        "--skip-layer",
        "fc",
        "up",
        "--batch-num",
        "3",
        "--skip-layer",
        "conv1",
        "--no-activation-offset",
    ]
    assert cli.main(["compile", *MODEL, *WEIGHTS, *plain]) == 0
    assert capsys.readouterr().out == text_for(
        skip_layers=["fc", "up", "conv1"], batch_num=3, activation_offset=False
    )


@pytest.mark.parametrize(
    ("config_text", "summary"),
    [
        ("", "4 layers quantized, 0 skipped, 2 fused, 0 warnings"),
        ("do_fusion: false", "4 layers quantized, 0 skipped, 0 fused, 0 warnings"),
        ('skip_layers: ["fc", "up", "pool5"]', "1 layer quantized, 3 skipped, 2 fused, 0 warnings"),
        ("conv_calibration_config { }", "4 layers quantized, 0 skipped, 2 fused, 1 warning"),
        (
            "conv_calibration_config { } fc_calibration_config { }",
            "4 layers quantized, 0 skipped, 2 fused, 2 warnings",
        ),
    ],
)
def test_the_last_line_on_standard_error_sums_up(
    config_text: str, summary: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("quant.cfg").write_text(config_text)
    assert cli.main(["compile", *MODEL, *CONFIGURED]) == 0
    assert capsys.readouterr().err.splitlines()[-1] == summary


@pytest.mark.parametrize("output", [(), ("-o", "config.json")])
def test_errors_are_shown_with_their_places_and_nothing_is_written(
    output: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["compile", *MODEL, *WRONG, *output]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert re.findall(r"^\S+: \w+\[QC\d+\]", err, re.MULTILINE) == [
        "wrong.cfg:1:12: error[QC501]",
        "wrong.cfg:2:14: error[QC401]",
        "wrong.cfg:3:1: warning[QC425]",
    ]
    assert err.splitlines()[-1] == "2 errors, 1 warning; nothing was written"
    assert files() == INPUTS


@pytest.mark.parametrize(
    ("arguments", "code", "summary"),
    [
        ([*MODEL, "--batch-num", "0"], "QC501", "1 error, 0 warnings; nothing was written"),
        ([*MODEL, "--skip-layer", "nowhere"], "QC401", "1 error, 0 warnings; nothing was written"),
        (["--model", "nowhere"], "QC101", "1 error, 0 warnings; nothing was written"),
        ([*MODEL, "--weights", "quant.cfg"], "QC310", "1 error, 0 warnings; nothing was written"),
        ([*MODEL, "--config", "nowhere"], "QC101", "1 error, 0 warnings; nothing was written"),
        ([*MODEL, "-o", "deploy.prototxt"], "QC503", "1 error, 0 warnings; nothing was written"),
        ([*MODEL, *CONFIGURED, "-o", "./quant.cfg"], "QC503", "1 error, 0 warnings; nothing was written"),
        ([*MODEL, "-o", "."], "QC503", "1 error, 0 warnings; nothing was written"),
        ([*MODEL, "-o", ""], "QC503", "1 error, 0 warnings; nothing was written"),
        ([*MODEL, "-o", "quant.cfg/config.json"], "QC502", "1 error, 0 warnings; nothing was written"),
        ([*MODEL, "-o", "a" * 255], "QC503", "1 error, 0 warnings; nothing was written"),
    ],
)
def test_every_wrong_input_has_status_1(
    arguments: list[str], code: str, summary: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name: path.read_bytes() for path in Path().iterdir()}
    assert cli.main(["compile", *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert f"error[{code}]: " in err
    assert err.splitlines()[-1] == summary
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == before


def test_a_terminal_gets_a_final_newline(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert cli.main(["compile", *MODEL]) == 0
    assert capsys.readouterr().out == text_for() + "\n"


# --- layers


def test_layers_are_shown_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["layers", *MODEL, *WEIGHTS, "--input", "1,3,5,5"]) == 0
    out, err = capsys.readouterr()
    *table, last = out.splitlines()
    rows = [re.split(r"  +", line) for line in table]
    assert rows == [
        ["name", "type", "shape", "parameters", "MACs", "quantizable", "weight", "fused"],
        ["conv1", "Convolution", "1x8x3x3", "224", "1.94 k", "yes", "8x3x3x3", "conv1 + bn1 + scale1"],
        ["bn1", "BatchNorm", "1x8x3x3", "17", "no: type BatchNorm is not supported", "conv1 + bn1 + scale1"],
        ["scale1", "Scale", "1x8x3x3", "16", "no: type Scale is not supported", "conv1 + bn1 + scale1"],
        ["relu1", "ReLU", "1x8x3x3", "no: type ReLU is not supported"],
        ["up", "Deconvolution", "1x8x5x5", "584", "5.18 k", "yes", "8x8x3x3", "up + bn2 + scale2"],
        ["bn2", "BatchNorm", "1x8x5x5", "17", "no: type BatchNorm is not supported", "up + bn2 + scale2"],
        ["scale2", "Scale", "1x8x5x5", "16", "no: type Scale is not supported", "up + bn2 + scale2"],
        ["pool5", "Pooling", "1x8x4x4", "yes"],
        ["fc", "InnerProduct", "1x8", "1.03 k", "1.02 k", "yes", "8x128"],
    ]
    sizes = "1.91 k weights, 7.62 kB in float, about 1.98 kB in int8"
    assert (last, err) == (
        f"9 layers in phase TEST, 4 quantizable: 100 % of MACs, 96.5 % of weights; {sizes}",
        "",
    )


def test_layers_are_shown_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--input", "data=1,3,5,5", "--format", "json")
    assert cli.main(["layers", *MODEL, *WEIGHTS, *arguments]) == 0
    content = json.loads(capsys.readouterr().out)
    assert list(content) == ["version", "layers", "totals"]
    assert [layer["name"] for layer in content["layers"]] == [
        *("conv1", "bn1", "scale1", "relu1", "up", "bn2", "scale2", "pool5", "fc"),
    ]
    by_name = {layer["name"]: layer for layer in content["layers"]}
    assert by_name["conv1"] == {
        "name": "conv1",
        "type": "Convolution",
        "quantizable": True,
        "reason": None,
        "weight_shape": [8, 3, 3, 3],
        "fusion": ["conv1", "bn1", "scale1"],
        "fusion_reason": None,
        "output_shapes": [[1, 8, 3, 3]],
        "parameters": 224,
        "macs": 1944,
        "float_bytes": 896,
        "int8_bytes": 280,
        "unknown_shape": None,
    }
    assert by_name["relu1"] == {
        "name": "relu1",
        "type": "ReLU",
        "quantizable": False,
        "reason": "type ReLU is not supported",
        "weight_shape": None,
        "fusion": None,
        "fusion_reason": None,
        "output_shapes": [[1, 8, 3, 3]],
        "parameters": 0,
        "macs": 0,
        "float_bytes": 0,
        "int8_bytes": 0,
        "unknown_shape": None,
    }
    assert content["totals"] == {
        "parameters": 1906,
        "macs": 8152,
        "float_bytes": 7624,
        "int8_bytes": 1980,
        "quantizable_parameters": 1840,
        "quantizable_macs": 8152,
        "unknown": 0,
    }


def test_layers_of_a_network_without_quantizable_ones_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    Path("deploy.prototxt").write_text(net(relu("größe", "data")))
    assert cli.main(["layers", *MODEL]) == 0
    out, _ = capsys.readouterr()
    assert "größe" in out
    assert out.endswith("1 layer in phase TEST, 0 quantizable\n")


@pytest.mark.parametrize("output", ["text", "json"])
def test_layers_of_a_model_that_cannot_be_read_have_status_1(
    output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["layers", "--model", "wrong.cfg", "--format", output]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "error[QC309]" in err
    assert "help: this is a quant.cfg: pass it with --config" in err


def test_diagnostics_of_the_model_are_shown_with_its_layers(capsys: pytest.CaptureFixture[str]) -> None:
    Path("deploy.prototxt").write_text(net(conv("a", param="name: 'w'"), conv("b", param="name: 'w'")))
    assert cli.main(["layers", *MODEL]) == 0
    out, err = capsys.readouterr()
    assert "no: it shares parameters with" in out
    assert err.startswith("deploy.prototxt:7:17: warning[QC307]: ")


# --- usage


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "required: COMMAND"),
        (["build"], "invalid choice: 'build'"),
        (["complie", *MODEL], '; did you mean "compile"?'),
        (["compil", *MODEL], '; did you mean "compile"?'),
        (["--verzion"], 'unrecognized arguments: --verzion; did you mean "--version"?'),
        (["--modle"], "required: COMMAND\n"),
        (["compile", *MODEL, "-\x1b[31m"], "unrecognized arguments: -\N{REPLACEMENT CHARACTER}[31m\n"),
        (
            ["compile"],
            'is required: use --model, or "# quantcfg-model: FILE" at the top of the quant.cfg, or model',
        ),
        (["check", "--ignore=QC999", "--modle"], 'unknown code "QC999"; "quantcfg rule" lists all codes\n'),
        (["check", "--modle", "--"], 'unrecognized arguments: --modle; did you mean "--model"?'),
        (["compile", "--", "--modle"], "unrecognized arguments: -- --modle\n"),
        (["decompile", "--modle=net"], 'unrecognized arguments: --modle; did you mean "--model"?'),
        (["compile", "--modle=net"], 'unrecognized arguments: --modle=net; did you mean "--model"?'),
        (["layers"], "a model is required: use --model, or model in quantcfg.toml\n"),
        (["migrate", "quant.cfg", "--edition", "caff"], "--edition: invalid choice: 'caff' (choose from "),
        (["layers", *MODEL, "--format", "xml"], "invalid choice: 'xml'"),
        (["compile", *MODEL, "--batch-num", "two"], "invalid int value: 'two'"),
        (["compile", *MODEL, "--skip-layer"], "expected at least one argument"),
        (["compile", *MODEL, "--nonsense"], "quantcfg compile: error: unrecognized arguments: --nonsense\n"),
        (["compile", *MODEL, "--skip-layers", "fc"], '--skip-layers fc; did you mean "--skip-layer"?'),
        (["check", "quant.cfg", "--modle=deploy.prototxt"], 'did you mean "--model"?'),
        (["rule", "QC101", "-x"], "quantcfg rule: error: unrecognized arguments: -x\n"),
        (
            ["compile", *MODEL, *CONFIGURED, "--batch-num", "1"],
            "--config cannot be combined with --skip-layer",
        ),
        (
            ["compile", *MODEL, *CONFIGURED, "--skip-layer", "fc"],
            "--config cannot be combined with --skip-layer",
        ),
        (
            ["compile", *MODEL, *CONFIGURED, "--no-activation-offset"],
            "--config cannot be combined with --skip-layer",
        ),
    ],
)
def test_a_usage_error_has_status_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: quantcfg")
    assert said in err


def test_a_help_is_as_wide_whatever_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    parser = Parser(prog="quantcfg")
    parser.add_argument("--long", help="words " * 50)
    helps = set()
    for columns in ("20", "80", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        helps.add(parser.format_help())
    (text,) = helps
    assert 70 < max(map(len, text.splitlines())) <= 80


def shown(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(["--version"], capsys) == f"quantcfg {quantcfg.__version__}\n"


def test_the_help_names_every_command_and_status(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(["--help"], capsys)
    assert re.findall(r"^    ([a-z-]+) ", text, re.MULTILINE) == [
        *("compile", "check", "explain", "fmt", "migrate", "decompile", "diff"),
        *("advise", "layers", "name-nodes", "rule", "schema", "lsp"),
    ]
    assert "exit status: 0 success, 1 errors in the input, 2 usage error" in text


FINDINGS = ("--format", "--color", "--strict", "--ignore")
OPTIONS = {
    "compile": {
        *("-h", "--model", "--weights", "--config", "-o", *FINDINGS),
        *("--skip-layer", "--batch-num", "--no-activation-offset", "--annotate", "--print-after"),
    },
    "check": {"-h", "--model", "--weights", "--edition", "--stdin-filename", "--fix", "--diff", *FINDINGS},
    "explain": {
        *("-h", "--model", "--weights", "--config", "--format"),
        *("--skip-layer", "--batch-num", "--no-activation-offset"),
    },
    "fmt": {"-h", "--stdin-filename", "--check", "--diff", *FINDINGS},
    "migrate": {"-h", "--stdin-filename", "--check", "--diff", "--edition", *FINDINGS},
    "decompile": {"-h", "--model", "--weights", "-o", *FINDINGS},
    "schema": {"-h", "--model", "--weights", "--edition", "-o"},
    "diff": {"-h", "--model", "--weights", "--edition", "--format"},
    "advise": {
        *("-h", "--model", "--weights", "--config", "--input", "--sort", "--format", "-o", "--simulate"),
        *("--images", "--count", "--seed", "--mean", "--scale", "--time-limit"),
    },
    "layers": {"-h", "--model", "--weights", "--input", "--format"},
    "name-nodes": {"-h", "-o"},
    "rule": {"-h"},
    "lsp": {"-h", "--stdio"},
}


@pytest.mark.parametrize("command", OPTIONS)
def test_the_help_of_a_command_names_every_option(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    usage = shown([command, "--help"], capsys).partition("\n\n")[0]
    assert set(re.findall(r"(?<=\[| )--?[a-z-]+", usage)) == OPTIONS[command]


@pytest.mark.parametrize("arguments", [[], *([command] for command in OPTIONS if command != "lsp")])
def test_the_examples_of_the_help_are_right_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown([*arguments, "--help"], capsys)
    examples = re.findall(r"^  quantcfg (.*?)(?: \|.*)?$", text, re.MULTILINE)
    assert len(examples) >= 2
    Path("net.caffemodel").write_bytes(Path("weights.caffemodel").read_bytes())
    # A usage error would not return; a missing file or a skipped layer is not a usage error.
    assert {cli.main(shlex.split(example)) for example in examples} <= {0, 1, 2}


# --- in a process of its own


def run(*arguments: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "quantcfg", *arguments], capture_output=True, check=False, timeout=60, **more
    )


@pytest.mark.slow
def test_a_process_writes_to_its_standard_output_and_ends_with_the_status() -> None:
    good, wrong, misused = (
        run("compile", *arguments) for arguments in ([*MODEL, *CONFIGURED], [*MODEL, *WRONG], [])
    )
    assert (good.returncode, wrong.returncode, misused.returncode) == (0, 1, 2)
    assert good.stdout == text_for(config_text=CONFIG).encode()
    assert good.stderr == b"3 layers quantized, 1 skipped, 1 fused, 0 warnings\n"
    assert (wrong.stdout, misused.stdout) == (b"", b"")


@pytest.mark.slow
def test_the_installed_command_is_the_same() -> None:
    command = Path(sys.executable).with_name("quantcfg")
    if not command.exists():
        pytest.skip("the package is not installed beside this Python")
    done = subprocess.run([command, "layers", *MODEL], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, run("layers", *MODEL).stdout)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("compile", *MODEL), ("layers", *MODEL)])
def test_a_pipe_that_is_closed_ends_the_command_quietly(arguments: Sequence[str]) -> None:
    # Far more than a pipe holds, so that the command must notice.
    Path("deploy.prototxt").write_text(net(*(conv(f"conv{index}") for index in range(2000))))
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "quantcfg", *arguments],
            stdout=closed,
            stderr=subprocess.PIPE,
            check=False,
            timeout=120,
        )
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"Broken pipe" not in done.stderr


@pytest.mark.slow
def test_names_that_standard_output_cannot_show_are_shown_in_another_way() -> None:
    Path("deploy.prototxt").write_text(net(conv("größe"), conv("层", "größe")))
    for encoding in ("utf-8", "ascii", "latin-1"):
        done = run("layers", *MODEL, env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"})
        assert done.returncode == 0
        assert b"\n2 layers in phase TEST, 2 quantizable: " in done.stdout
        assert len(done.stdout.splitlines()) == 4


def modules_after(*arguments: str) -> set[str]:
    """Return what a new process has loaded that ran the command."""
    program = (
        "import sys\n"
        "from quantcfg.cli import main\n"
        "try:\n"
        "    main(sys.argv[1:])\n"
        "except SystemExit:\n"
        "    pass\n"
        "print(*sys.modules)\n"
    )
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    return set(done.stdout.decode().splitlines()[-1].split())


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_what_takes_long_to_load_is_not_loaded_to_show_little(option: str) -> None:
    loaded = modules_after(option)
    assert not loaded & {"lark", "google.protobuf", "jsonschema", "numpy", "dataclasses", "shutil"}
    modules = {"quantcfg", "quantcfg.cli", "quantcfg.cli.usage"}
    assert {name for name in loaded if name.startswith("quantcfg")} == modules


@pytest.mark.slow
@pytest.mark.parametrize(
    ("weights", "unneeded"),
    [
        ((), {"google.protobuf", "pkgutil", "threading"}),
        (WEIGHTS, {"google.protobuf.descriptor_pb2"}),
    ],
)
def test_a_compile_without_errors_imports_only_what_it_needs(
    weights: Sequence[str], unneeded: set[str]
) -> None:
    loaded = modules_after("compile", *MODEL, *weights, *CONFIGURED, "-o", "config.json")
    assert Path("config.json").is_file()
    assert not loaded & {"lark", "jsonschema", "numpy", "importlib.resources", "difflib", "tempfile"}
    assert not loaded & {"dataclasses", "inspect", *unneeded}
    modules = ("cursor", "edits", "loose_lexer", "printer", "recovery", "trivia")
    assert all(map(find_spec, [f"quantcfg.textproto.{module}" for module in modules]))
    assert not loaded & {f"quantcfg.textproto.{module}" for module in modules}
    assert not loaded & {"quantcfg.diagnostics.formats.text", "quantcfg.diagnostics.terminal"}
    rooms = ("configuration", "decompiler", "diff", "format", "jsontext", "provenance")
    assert all(map(find_spec, [f"quantcfg.{room}" for room in rooms]))
    assert not loaded & {f"quantcfg.{room}" for room in rooms}
    assert {name for name in loaded if name.startswith("quantcfg.cli.")} == {
        f"quantcfg.cli.{module}" for module in ("arguments", "compile", "console", "streams", "usage")
    }


def test_the_plan_is_printed_after_a_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compile", *MODEL, "-o", "config.json", "--print-after", "overrides"]) == 0
    printed = capsys.readouterr().err
    assert printed.startswith("after overrides:\n")
    assert "(Convolution): quantized; calibration from defaults" in printed
    assert cli.main(["compile", *MODEL, "-o", "config.json", "--print-after", "all"]) == 0
    printed = capsys.readouterr().err
    assert [line for line in printed.splitlines() if line.startswith("after ")] == [
        f"after {name}:" for name in PASSES
    ]


def test_a_pass_that_does_not_exist_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["compile", *MODEL, "--print-after", "inlining"])
    assert '--print-after must be "names", "deprecated",' in capsys.readouterr().err
