"""Advice written into a quant.cfg: the advised settings change, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import assume
from hypothesis import strategies as st

from quantcfg.advice import Advice, Item, Kind
from quantcfg.advice.quant_cfg_format import with_advice
from quantcfg.compile import compile_source
from quantcfg.contracts.config_schema import ASYMMETRIC, CHANNEL_WISE, QUANT_ENABLE
from quantcfg.contracts.layer_types import Feature, LayerTypes
from quantcfg.editions.caffe.reader import read_network
from quantcfg.network import Layer, Network
from quantcfg.network.costs import Totals
from quantcfg.source import Source
from quantcfg.textproto import parse
from quantcfg.textproto.printer import print_document
from tests.advice.onnx_nets import net as onnx_net
from tests.advice.onnx_nets import random, read
from tests.editions import KnownEdition
from tests.laws import TWICE, calls, law_of_editions
from tests.networks import conv, inner_product, pool
from tests.onnx.models import node
from tests.plan.generated import requests
from tests.plan.test_lowering import placed

ONE_FACTOR = "arq_quantize { channel_wise: false }"
CONV = "num_output: 8 kernel_size: 3 pad: 1"
OWNERS = {ASYMMETRIC: "activation_quant_params", CHANNEL_WISE: "weight_quant_params"}


def network() -> Network:
    layers = (
        conv("conv1", parameters=CONV),
        conv("conv2", "conv1", parameters=CONV),
        pool("pool", "conv2", parameters="pool: AVE kernel_size: 2 stride: 2"),
        inner_product("fc", "pool"),
    )
    text = "\n".join(('input: "data" input_shape { dim: [1, 3, 8, 8] }', *layers))
    found = read_network(Source("deploy.prototxt", text), None, lambda _: None)
    assert found
    return found


def skip(*names: str) -> Item:
    return Item(names, Kind.SIMULATED, "62 % of the error", QUANT_ENABLE, value=False)


def offset(*names: str) -> Item:
    return Item(names, Kind.EXACT, "positive", ASYMMETRIC, value=True)


def factors(*names: str) -> Item:
    gains = tuple(8.0 + index for index in range(len(names)))
    return Item(names, Kind.PREDICTED, "ok", CHANNEL_WISE, value=True, gains=gains)


def advised(net: Network, text: str, *items: Item) -> str:
    """Return the quant.cfg with advice, after checking that exactly the advised values change."""
    given = Source("quant.cfg", text) if text else None
    result, found = with_advice(Advice("", Totals(0, 0, 0, 0, 0, 0, 0), (), items), net, given)
    assert found == []
    before, after = (config_of(net, each) for each in (text, result))
    for item in items:
        for name in item.layers:
            body = before[name]
            (body[OWNERS[str(item.field)]] if item.field in OWNERS else body)[item.field] = item.value
    # An override has its own flag.
    assert before.pop("activation_offset") <= after.pop("activation_offset")
    assert {name: of_layer(body) for name, body in after.items()} == {
        name: of_layer(body) for name, body in before.items()
    }
    if given is None or canonical(text) == text:
        assert canonical(result) == result
    written = all_comments(result)
    assert all(written.count(each) >= all_comments(text).count(each) for each in all_comments(text))
    return result


def of_layer(body: Any) -> Any:
    """Return what counts of a layer: if it is not quantized, nothing else."""
    is_skipped = isinstance(body, dict) and body.get(QUANT_ENABLE) is False
    return False if is_skipped else body


def config_of(net: Network, text: str) -> dict[str, Any]:
    compiled = compile_source(Source("quant.cfg", text), net, net.edition)
    assert compiled.ok, compiled.diagnostics
    return dict(compiled.configuration.config)


def canonical(text: str) -> str:
    return print_document(parse(Source("quant.cfg", text), lambda _: None))


def all_comments(text: str) -> list[str]:
    return [line[line.index("#") :].rstrip() for line in text.splitlines() if "#" in line]


CASES: Sequence[tuple[str, Sequence[Item], str]] = (
    ("", [skip("conv1")], '# simulated: 62 % of the error\nskip_layers: "conv1"\n'),
    (
        'batch_num: 2  # two\nskip_layers: "conv1"  # first\njoint_quant: true\n',
        [skip("fc")],
        'batch_num: 2  # two\nskip_layers: "conv1"  # first\n'
        '# simulated: 62 % of the error\nskip_layers: "fc"\njoint_quant: true\n',
    ),
    (
        "batch_num: 2\ncommon_config { arq_quantize { channel_wise: false } }  # all\n",
        [factors("conv1", "conv2")],
        'batch_num: 2\n# predicted: removed "channel_wise: false" for "conv1" and "conv2"; ok '
        "(gain 8.0 to 9.0 dB)\n# all\n",
    ),
    (
        "common_config {\n  arq_quantize { channel_wise: false }\n}",
        [factors("conv2")],
        "common_config {\n  arq_quantize { channel_wise: false }\n}\n\n"
        '# predicted: ok (gain 8.0 dB)\noverride_layer_configs {\n  layer_name: "conv2"\n'
        "  calibration_config {\n    arq_quantize {\n      channel_wise: true\n    }\n  }\n}\n",
    ),
    (
        "activation_offset: false\n",
        [offset("conv2", "pool", "fc")],
        '# exact: removed "activation_offset: false" for "conv2", "fc" and "pool"; positive\n\n'
        "# nothing is advised for this layer, so it keeps this setting\n"
        'override_layer_configs {\n  layer_name: "conv1"\n'
        "  calibration_config {\n    ifmr_quantize {\n      asymmetric: false\n    }\n  }\n}\n",
    ),
    (
        "override_layer_configs {\n"
        '  layer_name: "conv2"  # keep\n'
        "  calibration_config { hfmg_quantize { asymmetric: false } arq_quantize { channel_wise: false } }\n"
        "}\nactivation_offset: false\n",
        [offset("conv2"), factors("conv2")],
        'override_layer_configs {\n  layer_name: "conv2"  # keep\n  calibration_config {\n'
        "    hfmg_quantize {\n      # exact: positive\n      asymmetric: true\n    }\n"
        "    arq_quantize {\n      # predicted: ok (gain 8.0 dB)\n      channel_wise: true\n"
        "    }\n  }\n}\n"
        "activation_offset: false\n",
    ),
    (
        'override_layer_configs: [{ layer_name: "conv2" calibration_config {} }]\nactivation_offset: false\n',
        [offset("conv2")],
        'override_layer_configs: [\n  {\n    layer_name: "conv2"\n    calibration_config {\n'
        "      # exact: positive\n      ifmr_quantize {\n        asymmetric: true\n      }\n    }\n"
        "  }\n]\nactivation_offset: false\n",
    ),
)


@pytest.mark.parametrize(("text", "items", "expected"), CASES)
def test_advice_is_written_where_it_fits(text: str, items: Sequence[Item], expected: str) -> None:
    assert advised(network(), text, *items) == expected


@pytest.mark.parametrize(
    "text",
    [
        f'override_layer_types {{ layer_type: "Convolution" calibration_config {{ {ONE_FACTOR} }} }}',
        f"conv_calibration_config {{ {ONE_FACTOR} ifmr_quantize {{ search_step: 0.02 }} }}",
        f"common_config {{ {ONE_FACTOR} hfmg_quantize {{ num_of_bins: 1024 }} }} # x",
        f'override_layer_configs {{ layer_name: "conv2" calibration_config {{ {ONE_FACTOR} }} }}',
        f"common_config {{ {ONE_FACTOR} hfmg_quantize {{ asymmetric: false }} }}",
    ],
)
def test_other_layers_keep_their_settings(text: str) -> None:
    advised(network(), text, factors("conv2"), skip("fc"))


def test_the_algorithm_of_a_removed_flag_is_kept() -> None:
    text = "common_config { hfmg_quantize { asymmetric: false } }\n"
    result = advised(network(), text, offset("conv1", "conv2", "pool", "fc"))
    assert result == (
        "common_config {\n  hfmg_quantize {\n"
        '    # exact: removed "asymmetric: false" for "conv1", "conv2", "fc" and "pool"; '
        "positive\n  }\n}\n"
    )


def test_a_comment_inside_a_setting_is_kept() -> None:
    flag = "ifmr_quantize { asymmetric: # why\nfalse }"
    for text in (
        f'override_layer_configs {{ layer_name: "conv2" calibration_config {{ {flag} }} }}',
        f"common_config {{ {flag} }}",
        f'override_layer_types {{ layer_type: "Convolution" calibration_config {{ {flag} }} }}',
    ):
        assert "# why" in advised(network(), text, offset("conv2"))
        assert "# why" in advised(network(), text, offset("conv2", "conv1"))


def test_two_settings_of_one_line_are_removed() -> None:
    text = "common_config { arq_quantize { channel_wise: false } ifmr_quantize { asymmetric: false } }"
    every = "conv1", "conv2", "pool", "fc"
    result = advised(network(), text, offset(*every), factors(*every[:2]))
    assert all_comments(result) == [
        '# exact: removed "asymmetric: false" for "conv1", "conv2", "fc" and "pool"; positive',
        '# predicted: removed "channel_wise: false" for "conv1" and "conv2"; ok (gain 8.0 to 9.0 dB)',
    ]
    assert "override" not in result


def test_a_request_without_advice_stays_as_it_is() -> None:
    text = "batch_num:2;# x"
    assert advised(network(), text) == text


CANONICAL: Sequence[tuple[str, Sequence[Item], str]] = (
    (
        "common_config {\n  ifmr_quantize {\n    asymmetric: false  # own\n    search_step: 0.02\n  }\n}\n",
        [offset("conv1", "conv2", "pool", "fc")],
        'common_config {\n  ifmr_quantize {\n    # exact: removed "asymmetric: false" for "conv1", "conv2", '
        '"fc" and "pool"; positive\n    # own\n\n    search_step: 0.02\n  }\n}\n',
    ),
    (
        'override_layer_configs {\n  layer_name: "conv2"\n  calibration_config {\n    hfmg_quantize {\n'
        "      num_of_bins: 1024\n      asymmetric: false  # own\n    }\n  }\n}\n",
        [offset("conv2")],
        'override_layer_configs {\n  layer_name: "conv2"\n  calibration_config {\n    hfmg_quantize {\n'
        "      num_of_bins: 1024\n      # exact: positive\n      asymmetric: true  # own\n"
        "    }\n  }\n}\n",
    ),
    (
        "# why\nactivation_offset: false  # own\nbatch_num: 2\n",
        [offset("conv1", "conv2", "pool", "fc")],
        '# why\n# exact: removed "activation_offset: false" for "conv1", "conv2", "fc" and "pool"; '
        "positive\n# own\n\nbatch_num: 2\n",
    ),
)


@pytest.mark.parametrize(("text", "items", "expected"), CANONICAL)
def test_comments_stay_with_their_setting(text: str, items: Sequence[Item], expected: str) -> None:
    assert advised(network(), text, *items) == expected
    assert canonical(expected) == expected


def test_a_layer_that_is_not_quantized_gets_no_override() -> None:
    text = 'skip_layers: "conv1"\nactivation_offset: false\n'
    assert "override" not in advised(network(), text, offset("conv2", "pool", "fc"))
    assert "override" not in advised(
        network(), "activation_offset: false\n", offset("conv2", "pool", "fc"), skip("conv1")
    )


def test_a_long_reason_is_wrapped() -> None:
    result = advised(network(), "", Item(("fc",), Kind.SIMULATED, "why " * 60, QUANT_ENABLE, value=False))
    assert max(map(len, result.splitlines())) <= 100
    assert [line[:4] for line in result.splitlines()] == ["# si", "#   ", "#   ", "skip"]


def test_layers_of_several_groups_are_named_in_one_sentence() -> None:
    urgent = Item(("conv2",), Kind.PREDICTED, "far too coarse", CHANNEL_WISE, value=True, gains=(20.0,))
    result = advised(network(), f"common_config {{ {ONE_FACTOR} }}\n", urgent, factors("conv1"))
    assert (
        result == '# predicted: removed "channel_wise: false" for "conv1" and "conv2" (gain 8.0 to 20.0 dB)\n'
    )


@pytest.mark.parametrize(
    ("simulated", "expected"),
    [
        (None, "# Nothing is advised from the weights. No layer was simulated.\n"),
        ((1, 4), "# Nothing is advised from the weights. The simulation ended after 1 of 4 layers.\n"),
        ((4, 4), "# Nothing is advised from the weights and the simulation.\n"),
    ],
)
def test_without_advice_only_what_is_known_is_said(simulated: tuple[int, int] | None, expected: str) -> None:
    advice = Advice("", Totals(0, 0, 0, 0, 0, 0, 0), (), (), simulated=simulated)
    assert with_advice(advice, network(), None) == (expected, [])


@pytest.mark.slow
def test_the_work_grows_in_step_with_the_overrides() -> None:
    def work(count: int) -> int:
        names = [f"conv{index}" for index in range(count)]
        layers = (conv(name, parameters=CONV) for name in names)
        text = "\n".join(('input: "data" input_shape { dim: [1, 3, 8, 8] }', *layers))
        net = read_network(Source("deploy.prototxt", text), None, lambda _: None)
        assert net
        override = 'override_layer_configs {{ layer_name: "{}" calibration_config {{ {} }} }}\n'
        given = Source("quant.cfg", "".join(override.format(name, ONE_FACTOR) for name in names))
        advice = Advice("", Totals(0, 0, 0, 0, 0, 0, 0), (), [factors(*names)])
        return calls(lambda: with_advice(advice, net, given))

    work(1)  # What is made once is made here.
    assert work(100) < TWICE * work(50)


def test_line_endings_are_kept() -> None:
    result = advised(network(), 'batch_num: 2\r\nskip_layers: "conv1"\r\n', skip("fc"), offset())
    assert result.count("\r\n") == result.count("\n") == 4


@law_of_editions(st.just, lambda _: st.data(), examples=60)
def test_exactly_the_advised_values_of_any_request_change(known: KnownEdition, data: st.DataObject) -> None:
    generated = data.draw(known.networks)
    net, types = generated.read(), known.edition.layer_types
    request = data.draw(requests(known, generated.layers))
    with TemporaryDirectory() as folder:
        text = placed(request, Path(folder, "mapping.json")).config_text
        assume(text is not None)
        assert text is not None
        text = canonical(text) if data.draw(st.booleans()) else text
        compiled = compile_source(Source("quant.cfg", text), net, known.edition)
        assume(compiled.ok)
        config = compiled.configuration.config
        layers = [layer for layer in net.quantizable if config[layer.name][QUANT_ENABLE]]
        chosen = (
            data.draw(st.lists(st.sampled_from(layers), unique_by=lambda layer: layer.name, max_size=4))
            if layers
            else []
        )
        skipped, single = (
            [
                layer.name
                for layer in chosen
                if not config[layer.name].get(OWNERS[key], {}).get(key, True) and can(types, layer, key)
            ]
            for key in (ASYMMETRIC, CHANNEL_WISE)
        )
        advised(net, text, offset(*skipped), factors(*single))
        rest = [layer.name for layer in chosen if layer.name not in (*skipped, *single)]
        if len(rest) < len(layers):
            advised(net, text, skip(*rest), offset(*skipped), factors(*single))


def can(types: LayerTypes, layer: Layer, key: str) -> bool:
    """Return whether a layer can have a flag."""
    if key == CHANNEL_WISE:
        return types.channel_wise(layer.type)
    return not types.has(Feature.ASYMMETRIC) or not types.reason(
        Feature.ASYMMETRIC, layer.type, layer.attributes
    )


def test_the_settings_of_tensors_stay() -> None:
    """They inherit the flag of the network, which then cannot be removed."""
    nodes = [
        node("Conv", ["data", "w"], ["a"], name="conv"),
        node("Add", ["a", "a"], ["b"], name="add"),
    ]
    constants = {"w": random(0, 4, 3, 1, 1)}
    net = read(onnx_net(*nodes, constants=constants, shape=(1, 3, 4, 4))).network
    text = 'activation_offset: false\ntensor_quantize { layer_name: "add" input_index: 0 }\n'
    result = advised(net, text, offset("conv"))
    assert result.startswith(text)
    assert "override_layer_configs" in result


def test_the_bits_of_activations_stay() -> None:
    net = read(
        onnx_net(
            node("Conv", ["data", "w"], ["a"], name="conv"),
            constants={"w": random(0, 4, 3, 1, 1)},
            shape=(1, 3, 4, 4),
        )
    ).network
    text = "common_config { ifmr_quantize { dst_type: INT16 asymmetric: false } }\n"
    assert "dst_type: INT16" in advised(net, text, offset("conv"))
