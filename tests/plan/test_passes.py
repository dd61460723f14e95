from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format

from quantcfg import Diagnostic, compile_config
from quantcfg.diagnostics import has_errors
from quantcfg.plan import PASSES, LayerPlan, Leaf, OriginKind, Plan, Setting, lower, request_from_config
from quantcfg.plan.passes.checks import check_values
from quantcfg.plan.passes.defaults import fill_defaults
from quantcfg.plan.passes.deprecated import resolve_deprecated
from quantcfg.plan.passes.fusion import resolve_fusion
from quantcfg.plan.passes.non_uniform import resolve_non_uniform
from quantcfg.plan.passes.overrides import resolve_overrides
from quantcfg.plan.passes.skips import resolve_skips
from quantcfg.plan.plan import Pass, initial_plan
from quantcfg.source import Source
from quantcfg.textproto.scalars import shortest_decimal
from tests.editions import CAFFE
from tests.laws import law_of_editions
from tests.networks import batch_norm, conv, inner_product, net, network, pool, scale
from tests.plan.generated import Case, cases

NETWORK = network(
    net(
        conv("conv1"),
        batch_norm("bn1", "conv1"),
        scale("scale1", "bn1"),
        pool("pool5", "scale1"),
        pool("pool1", "scale1", parameters="pool: MAX"),
        inner_product("fc", "pool5"),
    )
)

EVERYTHING = """
batch_num: 2
joint_quant: true
skip_layers: "conv1"
skip_layer_types: "Pooling"
skip_fusion_layers: "conv1"
common_config { ifmr_quantize { search_step: 0.02 asymmetric: false } }
override_layer_types {
  layer_type: "InnerProduct"
  calibration_config { hfmg_quantize { num_of_bins: 2048 } nuq_quantize { num_steps: 16 } }
}
override_layer_configs {
  layer_name: "pool5"
  calibration_config { arq_quantize { channel_wise: false } }
}
"""


def plan_of(config_text: str) -> Plan:
    """Return the plan of a request before any pass."""
    found: list[Diagnostic] = []
    request = request_from_config(Source("quant.cfg", config_text), NETWORK.edition, found.append)
    assert request
    assert not found
    return initial_plan(NETWORK, request)


def after(step: Pass, config_text: str) -> Plan:
    """Return the plan of a request after one pass that finds no error."""
    found: list[Diagnostic] = []
    plan = step(plan_of(config_text), found.append)
    assert not has_errors(found)
    return plan


def layer(plan: Plan, name: str) -> LayerPlan:
    (found,) = (layer for layer in plan.layers if layer.layer.name == name)
    return found


# --- each pass alone


def test_a_plan_starts_with_the_quantizable_layers_by_name() -> None:
    plan = plan_of("")
    assert [layer.layer.name for layer in plan.layers] == ["conv1", "fc", "pool5"]
    assert all(layer.enabled.value for layer in plan.layers)
    assert not plan.values


def test_deprecated_fields_take_the_place_of_their_successors() -> None:
    plan = plan_of(
        "fc_calibration_config { hfmg_quantize { } } conv_calibration_config { ifmr_quantize { } }"
    )
    found: list[Diagnostic] = []
    request = resolve_deprecated(plan, found.append).request
    assert [diagnostic.code for diagnostic in found] == ["QC425", "QC425"]
    assert request.common is plan.request.conv
    assert {override.target.value: override.calibration for override in request.type_overrides} == {
        "InnerProduct": plan.request.fc,
        "Pooling": plan.request.fc,
    }
    assert not any(override.is_written for override in request.type_overrides)


def test_deprecated_fields_change_nothing_beside_their_successors() -> None:
    plan = plan_of("fc_calibration_config { } common_config { }")
    assert resolve_deprecated(plan, lambda _: None) == plan


def test_skips_disable_layers_and_say_why() -> None:
    plan = after(resolve_skips, 'skip_layers: "conv1" skip_layer_types: "Pooling"')
    assert {each.layer.name: each.enabled.value for each in plan.layers} == {
        "conv1": False,
        "fc": True,
        "pool5": False,
    }
    assert text_of(layer(plan, "conv1").enabled) == '"conv1"'
    assert text_of(layer(plan, "pool5").enabled) == '"Pooling"'
    assert layer(plan, "fc").enabled.origin.kind is OriginKind.DEFAULT


def test_a_layer_that_is_skipped_by_name_and_type_is_skipped_by_name() -> None:
    plan = after(resolve_skips, 'skip_layer_types: "Pooling" skip_layers: "pool5"')
    assert text_of(layer(plan, "pool5").enabled) == '"pool5"'


def test_overrides_choose_one_calibration_for_each_layer_and_keep_what_it_beats() -> None:
    plan = after(
        resolve_overrides,
        """
        common_config { }
        override_layer_types { layer_type: "InnerProduct" calibration_config { } }
        override_layer_types { layer_type: "Convolution" calibration_config { nuq_quantize { } } }
        override_layer_configs { layer_name: "fc" calibration_config { nuq_quantize { } } }
        """,
    )
    assert {each.layer.name: levels(each) for each in plan.layers} == {
        "conv1": ['the override of type "Convolution"', "common_config"],
        "fc": ['the override of layer "fc"', 'the override of type "InnerProduct"', "common_config"],
        "pool5": ["common_config"],
    }
    assert [each.weight.name if each.weight else None for each in plan.layers] == [
        "nuq_quantize",
        "nuq_quantize",
        None,
    ]


def levels(plan: LayerPlan) -> list[str]:
    assert plan.calibration
    return [calibration.level for calibration in plan.levels]


def test_without_calibrations_no_layer_has_one() -> None:
    plan = after(resolve_overrides, "batch_num: 2")
    assert [each.calibration for each in plan.layers] == [None, None, None]


def test_a_mapping_file_gives_the_layers_that_it_selects_the_weight_algorithm(tmp_path: Path) -> None:
    file = tmp_path / "mapping.json"
    names = {"key": "_datadump_original_op_names", "value": {"list": {"s": ["conv1", "pool5"]}}}
    flag = {"key": "fe_weight_compress", "value": {"b": True}}
    file.write_text(json.dumps({"graph": [{"op": [{"attr": [names, flag]}]}]}))
    plan = after(
        resolve_non_uniform, f'nuq_config {{ mapping_file: "{file}" nuq_quantize {{ num_steps: 16 }} }}'
    )
    assert plan.request.non_uniform
    assert [each.weight for each in plan.layers] == [plan.request.non_uniform.weight, None, None]


def test_layers_without_fusion_are_taken_over_in_the_order_of_the_text() -> None:
    found: list[Diagnostic] = []
    plan = resolve_fusion(plan_of('skip_fusion_layers: ["fc", "conv1"]'), found.append)
    assert [diagnostic.code for diagnostic in found] == ["QC427"]
    (key,) = plan.values
    assert [(each.value, text_of(each)) for each in leaves_of(plan.values[key])] == [
        ("fc", '"fc"'),
        ("conv1", '"conv1"'),
    ]


def test_defaults_fill_in_every_value_in_output_order() -> None:
    plan = after(fill_defaults, "")
    assert list(plan.values) == [
        *("version", "batch_num", "activation_offset", "joint_quant", "do_fusion", "skip_fusion_layers"),
    ]
    for each in plan.layers:
        assert list(each.activation_values) == [
            *("max_percentile", "min_percentile", "search_range", "search_step", "act_algo", "asymmetric"),
        ]
        assert list(each.weight_values) == ["wts_algo", "channel_wise"]
    by_type = layer(plan, "conv1").weight_values["channel_wise"]
    assert isinstance(by_type, Setting)
    assert (by_type.value, by_type.origin.kind) == (True, OriginKind.LAYER_TYPE)


def test_checks_leave_the_plan_as_it_is() -> None:
    plan = plan_of(EVERYTHING)
    *steps, last = PASSES.values()
    for step in steps:
        plan = step(plan, lambda _: None)
    assert last is check_values
    assert check_values(plan, lambda _: None) is plan


@pytest.mark.parametrize("name", PASSES)
def test_a_pass_leaves_the_plan_that_it_is_given_as_it_is(name: str) -> None:
    plan, twin = plan_of(EVERYTHING), plan_of(EVERYTHING)
    for earlier in takewhile(lambda each: each != name, PASSES):
        plan, twin = (PASSES[earlier](each, lambda _: None) for each in (plan, twin))
    PASSES[name](plan, lambda _: None)
    assert plan == twin


# --- the pipeline


def test_the_plan_can_be_printed_after_each_pass() -> None:
    plan = plan_of(EVERYTHING)
    seen: list[tuple[str, str]] = []
    last = lower(NETWORK, plan.request, lambda _: None, lambda name, plan: seen.append((name, str(plan))))
    assert [name for name, _ in seen] == list(PASSES)
    for _, printed in [(None, str(plan)), *seen]:
        assert all(f"{each.layer.name} ({each.layer.type}): " in printed for each in plan.layers)
    assert seen[-1][1] == str(last)


def test_a_printed_plan_says_of_each_value_where_it_came_from() -> None:
    printed = str(lower(NETWORK, plan_of(EVERYTHING).request, lambda _: None))
    assert printed == PRINTED


PRINTED = """\
version = 1 (default)
batch_num = 2 (batch_num)
activation_offset = True (default)
joint_quant = True (joint_quant)
do_fusion = True (default)
skip_fusion_layers = conv1 (skip_fusion_layers.0)
conv1 (Convolution): skipped; calibration from common_config
  max_percentile = 0.999999 (default)
  min_percentile = 0.999999 (default)
  search_range = 0.7 (default), 1.3 (default)
  search_step = 0.02 (common_config.ifmr_quantize.search_step)
  act_algo = ifmr (common_config.ifmr_quantize)
  asymmetric = False (common_config.ifmr_quantize.asymmetric)
  wts_algo = arq_quantize (default)
  channel_wise = True (default of Convolution)
fc (InnerProduct): quantized; calibration from the override of type "InnerProduct"
  act_algo = hfmg (override_layer_types.0.calibration_config.hfmg_quantize)
  num_of_bins = 2048 (override_layer_types.0.calibration_config.hfmg_quantize.num_of_bins)
  asymmetric = True (default of activation_offset)
  wts_algo = nuq_quantize (override_layer_types.0.calibration_config.nuq_quantize)
  num_steps = 16 (override_layer_types.0.calibration_config.nuq_quantize.num_steps)
  num_of_iteration = 1 (default)
pool5 (Pooling): skipped; calibration from the override of layer "pool5"
  max_percentile = 0.999999 (default)
  min_percentile = 0.999999 (default)
  search_range = 0.7 (default), 1.3 (default)
  search_step = 0.01 (default)
  act_algo = ifmr (default)
  asymmetric = False (common_config.ifmr_quantize.asymmetric)
  wts_algo = arq_quantize (override_layer_configs.0.calibration_config.arq_quantize)
  channel_wise = False (override_layer_configs.0.calibration_config.arq_quantize.channel_wise)"""


# --- origins


@law_of_editions(cases)
def test_a_value_that_is_written_has_a_place_where_that_value_is_written(case: Case) -> None:
    compilation = compile_config(
        case.network.read(),
        config_text=case.request.config_text,
        **(case.request.arguments or {}),
    )
    if compilation.plan:
        for key, setting in settings(compilation.plan):
            assert (setting.origin.kind is OriginKind.WRITTEN) == (setting.span is not None)
            assert setting.origin.what
            if setting.span:
                assert says(text_of(setting), key, setting.value)


def settings(plan: Plan) -> Iterator[tuple[str, Setting[Any]]]:
    """Yield every value of a plan, and its key."""
    for layer in plan.layers:
        yield "quant_enable", layer.enabled
        if layer.balancer:
            yield "dmq_balancer_param", layer.balancer
    for values in (
        plan.values,
        *(v for each in plan.layers for v in (each.activation_values, each.weight_values)),
        *(each.activation_values for each in plan.tensors),
    ):
        for key, leaf in values.items():
            yield from ((key, setting) for setting in leaves_of(leaf))


def leaves_of(leaf: Leaf) -> tuple[Setting[Any], ...]:
    return leaf if isinstance(leaf, tuple) else (leaf,)


def text_of(setting: Setting[Any]) -> str:
    assert setting.span
    return setting.span.text


_BITS = {"INT8": 8, "INT16": 16}


def says(text: str, key: str, value: Any) -> bool:
    """Return whether text, as in a quant.cfg or an argument, gives a key a value."""
    if key == "quant_enable":
        # What is written is the name of the layer or of its type.
        return value is False and text[0] in "\"'"
    if key == "dmq_balancer_param" and text == "dmq_balancer":
        return bool(value == 0.5)
    if key in ("act_algo", "wts_algo"):
        return text in (f"{value.removesuffix('_quantize')}_quantize", "nuq_config")
    if key == "fakequant_precision_mode":
        return text in (value, "1")
    if isinstance(value, bool):
        return text.lower() == str(value).lower()
    if key == "num_bits" and value == _BITS.get(text):
        return True
    if isinstance(value, int):
        return int(text) == value
    if isinstance(value, float):
        return bool(shortest_decimal(struct.unpack("<f", struct.pack("<f", float(text)))[0]) == value)
    message: Any = text_format.Parse(f"skip_layers: {text}", CAFFE.config())
    return list(message.skip_layers) == [value]
