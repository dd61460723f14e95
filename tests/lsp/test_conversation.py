"""A text is edited at random, and after each edit the server says what "quantcfg check" says of it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from quantcfg.api import read_model
from quantcfg.compile import check_source
from quantcfg.diagnostics import Diagnostic
from quantcfg.editions.caffe import CAFFE
from quantcfg.source import Source
from tests.lsp.client import Message, conversation, position, span

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parents[2] / "examples" / "tinynet"
SEED = 20260101
PIECES = (
    *"{}[]<>:;,\"'#\\ \n\t-19.",
    *("\r\n", "\r", "\u2028", "\x0b", "\x85", "é", "🦊", "\0", "\ufeff"),
    *("true", "0.5", '"conv1"', '"cnov1"', '"🦊"', "# 🦊 note\n", "batch_num: 3\n", "serch_step"),
    "common_config { hfmg_quantize { num_of_bins: 4000 } }\n",
    'override_layer_configs { layer_name: "conv2" calibration_config { } }\n',
    'skip_layers: ["fc1", "🦊🦊", "pool2"]\n',
)


def edited(number: int, text: str) -> Iterator[str]:
    """Yield a text after each of some edits.

    Now and then all that was done is undone, so that the text stays one of its kind.
    """
    chance, first = random.Random(SEED), text
    for index in range(number):
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            text = first if index % 25 == 24 else edited_once(chance, text)
        yield text


def edited_once(chance: random.Random, text: str) -> str:
    start = chance.randrange(len(text) + 1)
    end = start + chance.choice((0, 0, 0, 1, 1, 2, 5, 30))
    put_in: str = chance.choice((text[start:end] * 2, "", *chance.choices(PIECES, k=4)))
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
    "number", [pytest.param(200, id="normal"), pytest.param(1000, id="deep", marks=pytest.mark.deep)]
)
def test_after_each_edit_the_diagnostics_are_those_of_a_check(number: int, encoding: str) -> None:
    path, model = EXAMPLE / "quant.cfg", EXAMPLE / "deploy.prototxt"
    network, uri, text = read_model(model), path.as_uri(), path.read_text(encoding="utf-8")
    capabilities = {"general": {"positionEncodings": [encoding]}}
    settings = {"initializationOptions": {"model": str(model)}, "capabilities": capabilities}
    seen: set[str] = set()
    with conversation(EXAMPLE, **settings) as client:
        assert client.capabilities["positionEncoding"] == encoding
        client.open(uri, text, version=0)
        for version, now in enumerate(edited(number, text), start=1):
            client.edit(uri, version, now)
            found = check_source(Source(str(path), now), network, CAFFE)
            seen.update(each.code for each in found)
            assert said(client.diagnostics(uri, version)) == expected(now, found, encoding), now
    assert len(seen) > 8


def test_positions_are_counted_in_the_units_that_were_agreed_on() -> None:
    assert position("é🦊a", 2, "utf-16")["character"] == 3
    assert position("é🦊a", 2, "utf-8")["character"] == 6
    assert position("a\r\nb\rc", 6) == {"line": 2, "character": 1}
