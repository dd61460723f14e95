"""quantcfg decompile: where the quant.cfg is written, and what is reported."""

from __future__ import annotations

import io
import json
import stat
import sys
from pathlib import Path

import pytest

from quantcfg import cli
from tests.api.models import Model, write_model

Captured = pytest.CaptureFixture[str]

MODEL = ("--model", "deploy.prototxt")
REQUEST = 'batch_num: 2\nskip_layers: "fc"\n'


@pytest.fixture(autouse=True)
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> Model:
    """The files of a model, and a configuration for it, in the working directory."""
    monkeypatch.chdir(tmp_path)
    model = write_model(tmp_path)
    Path("asked.cfg").write_text(REQUEST)
    assert cli.main(["compile", *MODEL, "--config", "asked.cfg", "-o", "config.json"]) == 0
    capsys.readouterr()
    return model


def test_it_goes_to_standard_output_and_the_summary_does_not(capsys: Captured) -> None:
    assert cli.main(["decompile", "config.json", *MODEL]) == 0
    assert capsys.readouterr() == (REQUEST, "2 settings, 0 errors, 0 warnings\n")


def test_it_goes_to_a_file(model: Model, capsys: Captured) -> None:
    arguments = ["config.json", *MODEL, "--weights", model.caffemodel, "-o", "new/quant.cfg"]
    assert cli.main(["decompile", *arguments]) == 0
    assert capsys.readouterr() == ("", "new/quant.cfg: 2 settings, 0 errors, 0 warnings\n")
    assert Path("new/quant.cfg").read_text() == REQUEST
    assert stat.S_IMODE(Path("new/quant.cfg").stat().st_mode) == 0o640


def test_it_may_come_from_standard_input(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    content = io.BytesIO(Path("config.json").read_bytes())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(content))
    assert cli.main(["decompile", "-", *MODEL]) == 0
    assert capsys.readouterr().out == REQUEST


@pytest.mark.parametrize("output", ["config.json", "deploy.prototxt", "./config.json"])
def test_an_input_is_not_overwritten(output: str, capsys: Captured) -> None:
    before = Path(output).read_bytes()
    assert cli.main(["decompile", "config.json", *MODEL, "-o", output]) == 1
    out, err = capsys.readouterr()
    assert (out, Path(output).read_bytes()) == ("", before)
    assert "QC503" in err
    assert err.endswith("1 error, 0 warnings; nothing was written\n")


def refused(capsys: Captured, *arguments: str) -> list[str]:
    """Return what is found where nothing is written."""
    Path("quant.cfg").write_text("# mine\n")
    status = cli.main(["decompile", *arguments, "-o", "quant.cfg", "--format", "json"])
    out, err = capsys.readouterr()
    assert (status, out, Path("quant.cfg").read_text()) == (1, "", "# mine\n")
    return [f"{each['code']} {each['file']}" for each in json.loads(err)["diagnostics"]]


def test_what_no_request_can_say_is_not_written(capsys: Captured) -> None:
    edit_config("activation_quant_params", "search_step", 0.0123456789)
    assert refused(capsys, "config.json", *MODEL) == ["QC521 config.json"]


def test_a_configuration_with_errors_is_checked(capsys: Captured) -> None:
    edit_config("weight_quant_params", "wts_algo", "nuq")
    assert refused(capsys, "config.json", *MODEL) == ["QC501 config.json"]


def test_without_a_network_the_configuration_is_checked_alone(capsys: Captured) -> None:
    edit_config("weight_quant_params", "wts_algo", "nuq")
    Path("deploy.prototxt").write_text("layer {")
    assert refused(capsys, "config.json", *MODEL) == ["QC104 deploy.prototxt", "QC501 config.json"]


def test_warnings_can_be_errors(capsys: Captured) -> None:
    Path("config.json").write_text('{"conv1": {}, "pool5": {}, "fc": {}}')
    assert refused(capsys, "config.json", *MODEL, "--strict") == ["QC522 config.json"] * 2
    assert cli.main(["decompile", "config.json", *MODEL, "--strict", "--ignore", "QC522"]) == 0


@pytest.mark.parametrize("file", ["nowhere.json", ".", "deploy.prototxt"])
def test_a_file_that_is_not_a_configuration_is_an_error(file: str, capsys: Captured) -> None:
    assert len(refused(capsys, file, *MODEL)) == 1


def edit_config(part: str, key: str, value: object) -> None:
    config = json.loads(Path("config.json").read_text())
    config["conv1"][part][key] = value
    Path("config.json").write_text(json.dumps(config))
