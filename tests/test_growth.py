"""The work grows in proportion to the input, valid or not: twice the input takes about twice the calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import chain

import pytest

from quantcfg import Network, check_text, limits
from tests.laws import TWICE, calls
from tests.networks import conv, net, network, relu

pytestmark = pytest.mark.slow

FEW = 200


def overrides(count: int) -> str:
    return "".join(
        f'override_layer_configs {{ layer_name: "x{i}" calibration_config {{ }} }}' for i in range(count)
    )


def listing(field: str, names: list[str]) -> str:
    return "".join(f'{field}: "{name}"\n' for name in names)


def numbered(letter: str, count: int) -> list[str]:
    return [f"{letter}{i}" for i in range(count)]


def configuration(count: int) -> str:
    """Return a configuration whose layers are those of another network."""
    return json.dumps({"version": 1} | {f"x{i}": {"quant_enable": True} for i in range(count)})


REQUESTS: dict[str, Callable[[int], str]] = {
    "overrides of unknown layers": overrides,
    "unknown layers to skip": lambda count: listing("skip_layers", numbered("x", count)),
    "misspelt layers to skip": lambda count: listing("skip_layers", numbered("conv_", count)),
    "unknown layers without fusion": lambda count: listing("skip_fusion_layers", numbered("x", count)),
    "layers that nothing is folded into": lambda count: listing(
        "skip_fusion_layers", numbered("relu", count)
    ),
    "unknown types to skip": lambda count: listing("skip_layer_types", numbered("X", count)),
    "one layer again and again": lambda count: listing("skip_layers", ["conv0"] * count),
    "unknown fields": lambda count: "".join(f"x{i}: 1\n" for i in range(count)),
    "one field again and again": lambda count: "batch_num: 1\n" * count,
    "syntax errors": lambda count: "batch_num 1\n" * count,
}
CONFIGURATIONS: dict[str, Callable[[int], str]] = {
    "unknown layers": configuration,
    "unknown layers without fusion": lambda count: json.dumps({"skip_fusion_layers": numbered("x", count)}),
    "layers that nothing is folded into": lambda count: json.dumps(
        {"skip_fusion_layers": numbered("relu", count)}
    ),
    "unknown keys of a layer": lambda count: json.dumps({"conv0": dict.fromkeys(numbered("x", count), 1)}),
    "unknown parameters": lambda count: json.dumps(
        {"conv0": {"weight_quant_params": dict.fromkeys(numbered("x", count), 1)}}
    ),
    "wrong items of a list": lambda count: json.dumps({"skip_fusion_layers": [1] * count, "conv0": {}}),
    "one key again and again": lambda count: "{" + ", ".join(['"version": 1'] * count) + "}",
}


def large(count: int) -> Network:
    pairs = ((conv(f"conv{i}"), relu(f"relu{i}", f"conv{i}")) for i in range(count))
    return network(net(*chain.from_iterable(pairs)))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(pytest.param("quant.cfg", text, id=f"request: {what}") for what, text in REQUESTS.items()),
        *(
            pytest.param("config.json", text, id=f"configuration: {what}")
            for what, text in CONFIGURATIONS.items()
        ),
    ],
)
def test_the_work_grows_in_proportion_to_the_errors(
    name: str, text: Callable[[int], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # To find what was meant takes the same time for all large inputs, which would hide what grows.
    monkeypatch.setattr(limits, "COMPARISONS", 0)

    def work(count: int) -> int:
        content, model = text(count), large(count)
        return calls(lambda: check_text(content, name, model))

    work(1)  # What is made once is made here.
    assert work(2 * FEW) < TWICE * work(FEW)
