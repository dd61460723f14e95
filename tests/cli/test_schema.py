"""quantcfg schema: which schema is printed, and where it goes."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from quantcfg import cli, config_schema, read_model
from tests.api.models import Model, write_model

Captured = pytest.CaptureFixture[str]

ROOT = Path(__file__).parents[2]
MODEL = ("--model", "deploy.prototxt")


@pytest.fixture(autouse=True)
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    """The files of a model in the working directory."""
    monkeypatch.chdir(tmp_path)
    return write_model(tmp_path)


def test_the_published_schema_is_printed_as_it_is(capsys: Captured) -> None:
    assert cli.main(["schema"]) == 0
    published = (ROOT / "schemas" / "quant_config.schema.json").read_text(encoding="utf-8")
    assert capsys.readouterr() == (published, "")


def test_the_schema_of_a_network_is_printed(model: Model, capsys: Captured) -> None:
    assert cli.main(["schema", *MODEL, "--weights", model.caffemodel]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == config_schema(read_model("deploy.prototxt", model.caffemodel))
    assert err == ""


def test_it_goes_to_a_file(capsys: Captured) -> None:
    assert cli.main(["schema", *MODEL, "-o", "new/config.schema.json"]) == 0
    assert capsys.readouterr() == ("", "")
    written = Path("new/config.schema.json")
    assert json.loads(written.read_text()) == config_schema(read_model("deploy.prototxt"))
    assert stat.S_IMODE(written.stat().st_mode) == 0o640


def test_an_input_is_not_overwritten(capsys: Captured) -> None:
    before = Path("deploy.prototxt").read_bytes()
    assert cli.main(["schema", *MODEL, "-o", "./deploy.prototxt"]) == 1
    out, err = capsys.readouterr()
    assert (out, Path("deploy.prototxt").read_bytes()) == ("", before)
    assert "QC503" in err


def test_a_network_that_cannot_be_read_has_no_schema(capsys: Captured) -> None:
    Path("broken.prototxt").write_text("layer { name: }")
    assert cli.main(["schema", "--model", "broken.prototxt", "-o", "config.schema.json"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("broken.prototxt:1:15: error[")
    assert not Path("config.schema.json").exists()


def test_weights_need_a_model(model: Model, capsys: Captured) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["schema", "--weights", model.caffemodel])
    assert ended.value.code == 2
    assert "--weights requires --model" in capsys.readouterr().err
