"""After each random edit, the server reports what "quantcfg check" reports."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from quantcfg.api import read_model
from quantcfg.compile import check_source
from quantcfg.diagnostics import Diagnostic
from quantcfg.source import Source
from tests.decompiler.tuned import ONNX_NETWORK
from tests.lsp.client import Message, conversation, position, span

pytestmark = pytest.mark.slow

SEED = 20260101
PIECES: tuple[str, ...] = (
    *"{}[]<>:;,\"'#\\ \n\t-19.",
    *("\r\n", "\r", "\u2028", "\x0b", "\x85", "é", "🦊", "\0", "\ufeff"),
    *("true", "0.5", '"conv1"', '"cnov1"', '"🦊"', "# 🦊 note\n", "batch_num: 3\n", "serch_step"),
    "common_config { hfmg_quantize { num_of_bins: 4000 } }\n",
    'override_layer_configs { layer_name: "conv2" calibration_config { } }\n',
    'skip_layers: ["fc1", "🦊🦊", "pool2"]\n',
)


ONNX_PIECES = (
    *("INT16", '"sum"', "input_index: 1", "dmq_balancer { migration_strength: 0.9 }\n"),
    'tensor_quantize { layer_name: "sum" input_index: 0 hfmg_quantize { } }\n',
)
ONNX_TEXT = """\
batch_num: 2
fakequant_precision_mode: FORCE_FP16_QUANT
skip_layers: ["conv1", "product"]
common_config {
  ifmr_quantize { search_step: 0.02 asymmetric: false dst_type: INT16 }
  dmq_balancer { migration_strength: 0.25 }
}
override_layer_types {
  layer_type: "Gemm"
  calibration_config { hfmg_quantize { num_of_bins: 2048 } }
}
override_layer_configs { layer_name: "cube" calibration_config { arq_quantize { quant_bits: 8 } } }
tensor_quantize { layer_name: "sum" input_index: 1 }
"""


@dataclass(frozen=True)
class Example:
    """A model, a request for it, and what is put into the request."""

    model: Path
    config: Path
    pieces: tuple[str, ...]


@pytest.fixture(params=["caffe", "onnx"])
def example(request: pytest.FixtureRequest, tmp_path: Path) -> Example:
    if request.param == "caffe":
        folder = Path(__file__).parents[2] / "examples" / "tinynet"
        return Example(folder / "deploy.prototxt", folder / "quant.cfg", PIECES)
    found = Example(tmp_path / "net.onnx", tmp_path / "quant.cfg", PIECES + ONNX_PIECES)
    ONNX_NETWORK.write(found.model)
    found.config.write_text(ONNX_TEXT)
    return found


def edited(number: int, text: str, pieces: Sequence[str]) -> Iterator[str]:
    """Yield text after each of some edits.

    Now and then all that was done is undone, so that the text stays one of its kind.
    """
    chance, first = random.Random(SEED), text
    for index in range(number):
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            text = first if index % 25 == 24 else edited_once(chance, text, pieces)
        yield text


def edited_once(chance: random.Random, text: str, pieces: Sequence[str]) -> str:
    start = chance.randrange(len(text) + 1)
    end = start + chance.choice((0, 0, 0, 1, 1, 2, 5, 30))
    put_in: str = chance.choice((text[start:end] * 2, "", *chance.choices(pieces, k=4)))
    return text[:start] + put_in + text[end:]


def expected(text: str, found: tuple[Diagnostic, ...], encoding: str) -> list[tuple[object, ...]]:
    numbers = {"error": 1, "warning": 2, "note": 3}
    places = [
        span(text, each.span.start, each.span.end, encoding) if each.span else span(text, 0, 0)
        for each in found
    ]
    return [
        (each.code, numbers[each.severity], place, "\n".join(filter(None, [each.message, each.help])))
        for each, place in zip(found, places, strict=True)
    ]


def said(diagnostics: list[Message]) -> list[tuple[object, ...]]:
    return [(each["code"], each["severity"], each["range"], each["message"]) for each in diagnostics]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8"])
@pytest.mark.parametrize(
    "number", [pytest.param(100, id="normal"), pytest.param(1000, id="deep", marks=pytest.mark.deep)]
)
def test_after_each_edit_the_diagnostics_are_those_of_a_check(
    number: int, encoding: str, example: Example
) -> None:
    path, model = example.config, example.model
    network, uri, text = read_model(model), path.as_uri(), path.read_text(encoding="utf-8")
    capabilities = {"general": {"positionEncodings": [encoding]}}
    settings = {"initializationOptions": {"model": str(model)}, "capabilities": capabilities}
    seen: set[str] = set()
    with conversation(path.parent, **settings) as client:
        assert client.capabilities["positionEncoding"] == encoding
        client.open(uri, text, version=0)
        for version, now in enumerate(edited(number, text, example.pieces), start=1):
            client.edit(uri, version, now)
            found = check_source(Source(str(path), now), network, network.edition)
            seen.update(each.code for each in found)
            assert said(client.diagnostics(uri, version)) == expected(now, found, encoding), now
    assert len(seen) > 8


def test_positions_are_counted_in_the_units_that_were_agreed_on() -> None:
    assert position("é🦊a", 2, "utf-16")["character"] == 3
    assert position("é🦊a", 2, "utf-8")["character"] == 6
    assert position("a\r\nb\rc", 6) == {"line": 2, "character": 1}
