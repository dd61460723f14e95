"""quantcfg explain, and quantcfg compile --annotate."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from quantcfg import Compilation, cli, compile_config, explain, read_model
from quantcfg.provenance import json as document
from quantcfg.provenance import text
from tests.api.models import SHAPES, write_model
from tests.networks import conv, inner_product, net, pool
from tests.plan.requests import for_all

PROTOTXT = net(
    conv("conv1"),
    pool("max1", "conv1", parameters="pool: MAX kernel_size: 2"),
    pool("mean1", "max1"),
    inner_product("fc", "mean1"),
)
CONFIG = 'batch_num: 2\nskip_layers: "fc"\n' + for_all("ifmr_quantize { search_step: 0.02 }")
MODEL = ("--model", "deploy.prototxt")
CONFIGURED = (*MODEL, "--config", "quant.cfg")


@pytest.fixture(autouse=True)
def _in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a model and a request for it in the working directory."""
    monkeypatch.chdir(tmp_path)
    write_model(tmp_path, PROTOTXT, SHAPES)
    Path("quant.cfg").write_text(CONFIG)


def compilation_of() -> Compilation:
    return compile_config(read_model("deploy.prototxt"), config_text=CONFIG)


# --- explain


def test_everything_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", *CONFIGURED]) == 0
    shown = capsys.readouterr()
    assert shown.out == f"{text.render(explain(compilation_of()))}\n"
    assert shown.err == ""


@pytest.mark.parametrize(("times", "shown"), [(18, 19), (19, 20), (20, 20), (25, 20)])
def test_a_chain_of_more_than_20_is_cut(times: int, shown: int, capsys: pytest.CaptureFixture[str]) -> None:
    Path("quant.cfg").write_text("".join(f"batch_num: {number}\n" for number in range(1, times + 1)))
    assert cli.main(["explain", *CONFIGURED, "batch_num", "--format", "json"]) == 0
    (value,) = json.loads(capsys.readouterr().out)["network"]
    values = [each["value"] for each in value["chain"]]
    assert values == [*range(times, 0, -1), 1][:shown]


def test_a_layer_is_shown_with_what_gave_its_values(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", *CONFIGURED, "fc"]) == 0
    shown = capsys.readouterr().out
    assert '"fc", InnerProduct (deploy.prototxt:' in shown
    assert "  quant_enable     false           skip_layers (quant.cfg:2:14)\n" in shown
    assert "without it: true, default\n" in shown


def test_a_key_is_shown_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", "conv1", "search_step", *CONFIGURED]) == 0
    assert capsys.readouterr().out == (
        '"conv1", Convolution (deploy.prototxt:2:9)\n'
        "  calibration: common_config (quant.cfg:3:1)\n"
        "  search_step  0.02  common_config (quant.cfg:3:46)\n"
        "                     without it: 0.01, default\n"
    )


def test_an_item_is_shown_by_the_name_that_it_is_shown_with(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", "conv1", "search_range[1]", *CONFIGURED]) == 0
    assert capsys.readouterr().out.endswith("\n  search_range[1]  1.3  default\n")


def test_a_key_of_the_network_may_stand_in_place_of_a_layer(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", *CONFIGURED, "batch_num"]) == 0
    assert capsys.readouterr().out == (
        "the whole network\n"
        "  batch_num  2  batch_num (quant.cfg:1:12)\n"
        "                without it: 1, default\n"
    )


def test_plain_options_are_origins(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--batch-num", "3", "--skip-layer", "fc", "--no-activation-offset")
    assert cli.main(["explain", *MODEL, "--weights", "weights.caffemodel", *options]) == 0
    shown = capsys.readouterr().out
    assert "3      --batch-num\n" in shown
    assert "  --skip-layer\n" in shown
    assert "--no-activation-offset: no setting closer to the layer applies\n" in shown
    assert "argument" not in shown


def test_a_plain_option_that_is_not_given_is_a_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", *MODEL]) == 0
    assert "argument" not in capsys.readouterr().out


def test_a_layer_that_cannot_be_quantized_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", *CONFIGURED, "max1"]) == 0
    assert capsys.readouterr().out == (
        f'"max1", Pooling (deploy.prototxt:{line_of("max1")}:9)\n'
        "  cannot be quantized: only average pooling is supported, this is MAX\n"
    )


def line_of(layer: str) -> int:
    lines = Path("deploy.prototxt").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if f'name: "{layer}"' in line)


def test_json_is_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", *CONFIGURED, "fc", "--format", "json"]) == 0
    shown = capsys.readouterr().out
    assert shown == f"{document.render(explain(compilation_of(), 'fc'))}\n"
    assert json.loads(shown)["layers"][0]["name"] == "fc"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("conv_1",), 'error[QC401]: layer "conv_1" does not exist'),
        (("conv1", "step"), 'error[QC512]: unknown key "step" in layer "conv1"'),
        (("conv1", "num_of_bins"), 'error[QC513]: "num_of_bins" is a parameter of "hfmg"'),
        (("max1", "search_step"), 'error[QC515]: layer "max1" cannot be quantized: only average pooling'),
        (("batch_num", "more"), '"batch_num" is a key of the whole network: remove "more"'),
        (("search_step",), "help: name its layer first, such as: conv1 search_step"),
    ],
)
def test_what_is_not_there_is_an_error(
    asked: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["explain", *CONFIGURED, *asked]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert message in shown.err
    assert shown.err.endswith("1 error, 0 warnings\n")


def test_a_layer_that_the_configuration_omits_is_not_quantized(capsys: pytest.CaptureFixture[str]) -> None:
    Path("config.json").write_text('{"version": 1, "conv1": {"quant_enable": true}}')
    asked = ("explain", *MODEL, "--config", "config.json", "fc")
    assert cli.main([*asked]) == 0
    assert capsys.readouterr().out == (
        '"fc", InnerProduct (deploy.prototxt:23:9)\n  not in the configuration: not quantized\n'
    )
    assert cli.main([*asked, "search_step"]) == 1
    assert "help: remove the key: the configuration omits the layer" in capsys.readouterr().err


def test_the_diagnostics_of_an_invalid_request_are_shown_as_by_compile(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("quant.cfg").write_text('batch_num: 0\nskip_layers: "cf"\n')
    assert cli.main(["compile", *CONFIGURED]) == 1
    compiled = capsys.readouterr().err
    assert cli.main(["explain", *CONFIGURED, "conv1"]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert f"{shown.err.rstrip()}; nothing was written\n" == compiled


def test_warnings_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    Path("quant.cfg").write_text("batch_num: 2 batch_num: 3")
    assert cli.main(["explain", *CONFIGURED, "batch_num"]) == 0
    assert capsys.readouterr().err == '1 warning; "quantcfg check" shows it\n'


def test_config_goes_without_plain_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        cli.main(["explain", *CONFIGURED, "--batch-num", "2"])
    assert raised.value.code == 2
    assert "--config cannot be combined with" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("stream", ["> /dev/full", ">&-"])
def test_a_standard_output_that_takes_nothing_is_an_error(stream: str) -> None:
    line = f"{sys.executable} -m quantcfg explain --model deploy.prototxt {stream}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert 'error[QC502]: cannot write "standard output": ' in done.stderr
    assert "Traceback" not in done.stderr


# --- compile --annotate


ANNOTATED = ("compile", *CONFIGURED, "--annotate", "-o")


def test_the_table_is_written_beside_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*ANNOTATED, "out/config.json"]) == 0
    assert {path.name for path in Path("out").iterdir()} == {"config.json", "config.json.origins.txt"}
    compilation = compilation_of()
    assert Path("out/config.json").read_text() == compilation.text
    beside = Path("out/config.json.origins.txt")
    assert beside.read_text(encoding="utf-8") == text.table(explain(compilation))
    assert stat.S_IMODE(beside.stat().st_mode) == 0o640
    assert "config.json: " in capsys.readouterr().err


def test_names_of_all_scripts_stand_in_the_table() -> None:
    Path("deploy.prototxt").write_text(net(conv("größe"), inner_product("第一层", "größe")), encoding="utf-8")
    Path("quant.cfg").write_text("")
    assert cli.main([*ANNOTATED, "config.json"]) == 0
    assert "第一层" in Path("config.json.origins.txt").read_text(encoding="utf-8")
    assert Path("config.json").read_text().isascii()


def test_the_name_of_an_input_may_be_no_text() -> None:
    name = os.fsdecode(b"quant\xff.cfg")
    Path(name).write_text(CONFIG)
    assert cli.main(["compile", *MODEL, "--config", name, "--annotate", "-o", "config.json"]) == 0
    assert "quant\\udcff.cfg:1:12" in Path("config.json.origins.txt").read_text(encoding="utf-8")
    assert cli.main(["explain", *MODEL, "--config", name]) == 0


@pytest.mark.parametrize("output", [(), ("-o", "-"), ("-o", "/dev/null"), ("-o", "pipe")])
def test_a_table_needs_a_regular_file_as_output(
    output: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo("pipe")
    with pytest.raises(SystemExit) as raised:
        cli.main(["compile", *CONFIGURED, "--annotate", *output])
    assert raised.value.code == 2
    assert "--annotate requires -o" in capsys.readouterr().err


def test_the_table_is_not_written_over_an_input(capsys: pytest.CaptureFixture[str]) -> None:
    Path("config.json.origins.txt").write_text(CONFIG)
    command = ["compile", *MODEL, "--config", "config.json.origins.txt", "--annotate", "-o", "config.json"]
    assert cli.main(command) == 1
    assert "is an input file" in capsys.readouterr().err
    assert Path("config.json.origins.txt").read_text() == CONFIG
    assert not Path("config.json").exists()


def test_nothing_is_written_where_the_table_cannot_be(capsys: pytest.CaptureFixture[str]) -> None:
    Path("config.json.origins.txt").mkdir()
    assert cli.main([*ANNOTATED, "config.json"]) == 1
    assert "is a directory" in capsys.readouterr().err
    assert not Path("config.json").exists()


def test_a_table_of_an_earlier_output_is_pointed_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compile", *CONFIGURED, "-o", "out.json", "--annotate"]) == 0
    before = Path("out.json.origins.txt").read_text()
    capsys.readouterr()
    assert cli.main(["compile", *MODEL, "-o", "out.json", "--strict"]) == 0
    assert "note[QC505]" in capsys.readouterr().err
    assert Path("out.json.origins.txt").read_text() == before
    assert cli.main(["compile", *MODEL, "-o", "out.json", "--ignore", "QC505"]) == 0
    assert "QC505" not in capsys.readouterr().err


def test_nothing_is_written_for_a_wrong_request() -> None:
    Path("quant.cfg").write_text("batch_num: 0")
    assert cli.main([*ANNOTATED, "config.json"]) == 1
    assert not Path("config.json").exists()
    assert not Path("config.json.origins.txt").exists()


def test_the_values_of_a_configuration_are_explained(capsys: pytest.CaptureFixture[str]) -> None:
    layers = {"conv1": {"activation_quant_params": {"search_step": 0.02}}, "fc": {"quant_enable": False}}
    Path("config.json").write_text(json.dumps({"batch_num": 2, "activation_offset": False, **layers}))
    assert cli.main(["explain", *MODEL, "--config", "config.json", "conv1"]) == 0
    values = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines()}
    assert values["search_step"] == ["0.02", "search_step", "(config.json:1:99)"]
    assert values["asymmetric"][:3] == ["false", "activation_offset", "(config.json:1:39):"]
    assert cli.main(["explain", *MODEL, "--config", "config.json", "batch_num"]) == 0
    assert "(config.json:1:15)" in capsys.readouterr().out
    assert cli.main(["explain", *MODEL, "--config", "config.json", "fc", "quant_enable"]) == 0
    assert "false" in capsys.readouterr().out


def test_a_configuration_with_errors_is_not_explained(capsys: pytest.CaptureFixture[str]) -> None:
    Path("config.json").write_text('{"batch_num": "2", "conv1": {}}')
    assert cli.main(["explain", *MODEL, "--config", "config.json"]) == 1
    assert "config.json:1:15: error[QC501]" in capsys.readouterr().err


def test_an_algorithm_that_a_configuration_does_not_name_is_the_default(
    capsys: pytest.CaptureFixture[str],
) -> None:
    body = {"activation_quant_params": {"search_step": 0.02}, "weight_quant_params": {"channel_wise": True}}
    bins = {"activation_quant_params": {"num_of_bins": 1024}}
    Path("config.json").write_text(json.dumps({"conv1": body, "mean1": bins}))
    assert cli.main(["explain", *MODEL, "--config", "config.json", "conv1"]) == 0
    values = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines()}
    assert values["act_algo"] == ['"ifmr"', "default"]
    assert values["wts_algo"] == ['"arq_quantize"', "default"]
    assert cli.main(["explain", *MODEL, "--config", "config.json", "mean1", "act_algo"]) == 0
    assert '"hfmg"  num_of_bins (config.json:1:' in capsys.readouterr().out


def test_notes_are_not_counted_as_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    Path("config.json").write_text('{"conv1": {"quant_enable": true}}')
    assert cli.main(["explain", *MODEL, "--config", "config.json", "conv1"]) == 0
    assert capsys.readouterr().err == ""
