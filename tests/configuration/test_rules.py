"""Every rule of AMCT for configurations (reference 3.6): what is reported, and where.

In the text of a case, the code of a diagnostic is written before its location.
"""

from __future__ import annotations

import json
from collections.abc import Set
from typing import Any

import pytest
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from quantcfg import compile_config
from quantcfg.configuration import read_configuration, reading
from quantcfg.diagnostics import Diagnostic
from quantcfg.diagnostics.fixes import fixed
from quantcfg.editions.caffe import CAFFE
from quantcfg.network import Edition, Network
from quantcfg.source import Source
from tests.editions import EDITIONS, KnownEdition
from tests.laws import law, law_of_editions
from tests.marks import places, unmarked
from tests.networks import batch_norm, conv, inner_product, net, network, pool, relu, scale
from tests.output.generated import any_configs, damaged_configs
from tests.plan.generated import Case, cases

NET = net(
    conv("conv1"),
    batch_norm("bn1", "conv1"),
    scale("scale1", "bn1"),
    relu("relu1", "scale1"),
    conv("conv2", "relu1", parameters="num_output: 8 kernel_size: 3 group: 2"),
    pool("pool1", "conv2", parameters="pool: MAX kernel_size: 2"),
    pool("pool5", "pool1"),
    inner_product("fc", "pool5"),
)
NETWORK = network(NET)


def check(text: str, against: Network | None = None, edition: Edition = CAFFE) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    read_configuration(Source("config.json", text), against, edition, found.append)
    return found


def activation(params: str) -> str:
    return f'{{"a": {{"activation_quant_params": {{{params}}}}}}}'


def weight(params: str, layer: str = "a") -> str:
    return f'{{"{layer}": {{"weight_quant_params": {{{params}}}}}}}'


ALONE = {
    # keys
    "a key twice": '{"version": 1, «QC511»"version": 1, "a": {}}',
    "a layer twice": '{"a": {}, "b": {}, «QC511»"a": {"quant_enable": false}}',
    "a key of a layer three times": (
        '{"a": {"quant_enable": true, «QC511»"quant_enable": true, «QC511»"quant_enable": true}}'
    ),
    "a parameter twice": activation('"act_algo": "ifmr", «QC511»"act_algo": "ifmr"'),
    "a key that layers do not have": '{"a": {«QC512»"num_bits": 8}}',
    "a misspelt key of a layer": '{"a": {«QC512»"quant_enabel": true}}',
    "a key that no algorithm has": activation('«QC512»"num_bits": 8'),
    "a weight parameter that no algorithm has": weight('«QC512»"num_bits": 8'),
    "a schema": '{«QC514»"$schema": "config.schema.json", "a": {}}',
    "a misspelt key of the network": '{«QC514»"batchnum": 2, "a": {}}',
    # algorithms
    "bins of ifmr": activation('"act_algo": "ifmr", «QC513»"num_of_bins": 1024'),
    "a search beside bins": activation('"num_of_bins": 1024, «QC513»"search_step": 5'),
    "bins beside a search": activation('«QC513»"search_range": [1.3, 0.7], "num_of_bins": 1024'),
    "a search of hfmg": activation(
        '"act_algo": "hfmg", «QC513»"search_step": 0.01, «QC513»"max_percentile": 0.9, "num_of_bins": 1024'
    ),
    "steps of arq": weight('"wts_algo": "arq_quantize", «QC513»"num_steps": 32'),
    "a flag of nuq": weight('"wts_algo": "nuq_quantize", «QC513»"channel_wise": true'),
    "an unknown algorithm": activation('"act_algo": «QC501»"ifmg"'),
    # values
    "no version of ours": '{"version": «QC501»2, "a": {}}',
    "no batches": '{"batch_num": «QC501»0, "a": {}}',
    "a version with a fraction": '{"version": «QC501»1.0, "a": {}}',
    "a count with a fraction": '{"batch_num": «QC501»2.0, "a": {}}',
    "a count with an exponent": '{"batch_num": «QC501»1e1, "a": {}}',
    "a count that is none": '{"batch_num": «QC501»1.5, "a": {}}',
    "no batches with a fraction": '{"batch_num": «QC501»0.0, "a": {}}',
    "bins with a fraction": activation('"act_algo": "hfmg", "num_of_bins": «QC501»1024.0'),
    "bins alone with a fraction": activation('"num_of_bins": «QC501»2048.0'),
    "odd bins with a fraction": activation('"num_of_bins": «QC501»1000.0'),
    "steps with a fraction": weight('"wts_algo": "nuq_quantize", "num_steps": «QC501»32.0'),
    "rounds with a fraction": weight('"wts_algo": "nuq_quantize", "num_of_iteration": «QC501»-0.0'),
    "many layers with a fraction": (
        '{"a": {"activation_quant_params": {"num_of_bins": «QC501»1024.0}},'
        ' "b": {"activation_quant_params": {"num_of_bins": 1024}},'
        ' "c": {"activation_quant_params": {"num_of_bins": «QC501»1024.0}}}'
    ),
    "a number in quotes": '{"batch_num": «QC501»"2", "a": {}}',
    "a flag in quotes": '{"do_fusion": «QC501»"true", "a": {}}',
    "a flag that is a number": '{"a": {"quant_enable": «QC501»1}}',
    "a layer that is none": '{"a": «QC501»5, "b": {}}',
    "parameters that are none": '{"a": {"activation_quant_params": «QC501»null}}',
    "a percentile": activation('"max_percentile": «QC501»0.5, "min_percentile": «QC501»1.01'),
    "a step": activation('"search_step": «QC501»0'),
    "bins": activation('"act_algo": "hfmg", "num_of_bins": «QC501»1000'),
    "a range of one": activation('"search_range": «QC501»[0.7]'),
    "a range of three": activation('"search_range": «QC501»[0.7, 1.3, 2]'),
    "a range from below zero": activation('"search_range": [«QC501»-0.7, 1.3]'),
    "a range of strings": activation('"search_range": [«QC501»"0.7", 1.3]'),
    "steps kept": weight('"wts_algo": "nuq_quantize", "num_steps": «QC501»64'),
    "names that are none": '{"skip_fusion_layers": [«QC501»5], "a": {}}',
    "a number beyond any range": activation('"search_step": «QC501»1e999'),
    "a count beyond any range": '{"batch_num": «QC501»1e999, "a": {}}',
    # between values
    "a range that falls": activation('"search_range": [«QC411»1.3, 0.7]'),
    "a range of nothing": activation('"search_range": [«QC411»1, 1]'),
    "a step that is too long": activation('"search_range": [0.9, 1.1], "search_step": «QC412»0.3'),
    "a step that is too long for the default": activation('"search_step": «QC412»0.7'),
    "a range that is too short for the default": activation('"search_range": [«QC412»1, 1.001]'),
    "a name twice": '{"skip_fusion_layers": ["a", "b", «QC404»"a"], "a": {}}',
    # nothing
    "nothing": "«QC516»{}",
    "no layer": '«QC516»{"version": 1, "batch_num": 2}',
    "only skipped layers": '«QC516»{"a": {"quant_enable": false}, "b": {"quant_enable": false}}',
    # no object
    "a list": "«QC121»[]",
    "a string": '«QC121»"a"',
}

IN_ORDER = {
    "a layer": '{"a": {}}',
    "a layer that is said to be quantized": '{"a": {"quant_enable": true}, "b": {"quant_enable": false}}',
    "the whole range as a step": activation('"search_step": 0.6'),
    "whole numbers": activation('"search_range": [1, 2], "search_step": 1, "max_percentile": 1'),
    "bins without an algorithm": activation('"num_of_bins": 2048'),
    "bins and a flag without an algorithm": activation('"asymmetric": false, "num_of_bins": 8192'),
    "names without fusion": '{"skip_fusion_layers": ["a", "b"], "a": {}}',
    "a layer of no name": '{"": {}}',
}

REST = '"conv1": {}, "conv2": {}'

AGAINST_A_NETWORK = {
    "a layer that is not there": '{«QC514»"conv3": {}, "fc": {}, "pool5": {}, REST}',
    "a misspelt layer": '{«QC514»"poool5": {}, "fc": {}, REST}',
    "a layer of another type": '{«QC515»"relu1": {}, "fc": {}, "pool5": {}, REST}',
    "a layer that cannot be quantized": '{«QC515»"pool1": {}, "fc": {}, "pool5": {}, REST}',
    "layers left out": '«QC517»{"fc": {}, REST}',
    "a flag that the type cannot have": (
        '{"pool5": {}, "fc": {"weight_quant_params": {"channel_wise": «QC409»true}}, REST}'
    ),
    "nuq for a pooling": (
        '{"fc": {}, "pool5": {"weight_quant_params": {"wts_algo": «QC410»"nuq_quantize"}}, REST}'
    ),
    "nuq for groups": (
        '{"fc": {}, "pool5": {}, "conv1": {}, "conv2": {"weight_quant_params": '
        '{"wts_algo": «QC410»"nuq_quantize"}}}'
    ),
    "a layer without fusion that is not there": (
        '{"skip_fusion_layers": [«QC401»"cnov1"], "fc": {}, "pool5": {}, REST}'
    ),
    "a layer without fusion of another type": (
        '{"skip_fusion_layers": ["conv1", «QC413»"bn1"], "fc": {}, "pool5": {}, REST}'
    ),
    "nothing quantized": (
        '«QC516»{"conv1": {"quant_enable": false}, "conv2": {"quant_enable": false}, '
        '"fc": {"quant_enable": false}, "pool5": {"quant_enable": false}}'
    ),
    "a schema": '{«QC514»"$schema": "", "fc": {}, "pool5": {}, REST}',
}


@pytest.mark.parametrize("name", ALONE)
def test_what_amct_refuses_is_reported_at_its_place(name: str) -> None:
    text, expected = unmarked(ALONE[name])
    assert places(check(text)) == expected


@pytest.mark.parametrize("name", AGAINST_A_NETWORK)
def test_what_amct_refuses_for_a_network_is_reported_at_its_place(name: str) -> None:
    text, expected = unmarked(AGAINST_A_NETWORK[name].replace("REST", REST))
    assert places(check(text, NETWORK)) == expected


@pytest.mark.parametrize("name", IN_ORDER)
def test_what_amct_takes_is_in_order(name: str) -> None:
    assert check(IN_ORDER[name]) == []


def test_errors_in_every_layer_are_reported_in_every_layer() -> None:
    marked = "{" + ",\n".join(f'"{name}": {{"quant_enable": «QC501»5}}' for name in "abc") + "}"
    text, expected = unmarked(marked)
    assert places(check(text)) == expected


def test_syntax_errors_and_errors_of_all_rules_are_reported_in_one_run() -> None:
    text, expected = unmarked(
        "{\n"
        '  "version": «QC501»2,\n'
        '  «QC514»"$schema": "x",\n'
        '  "conv1": {"quant_enable": «QC122»True},\n'
        '  «QC514»"conv9": {},\n'
        '  "conv2": {"activation_quant_params":\n'
        '    {"act_algo": "ifmr", "search_step": «QC501»0, «QC513»"num_of_bins": 5}},\n'
        '  "fc": {},\n'
        '  «QC511»"fc": {"weight_quant_params": {"channel_wise": «QC409»true}}\n'
        '  «QC121»"pool5": {}\n'
        "}"
    )
    assert places(check(text, NETWORK)) == expected


def test_what_cannot_be_read_is_not_missed_as_well() -> None:
    for text in ('{"a": «QC106»"x\n}', '{"conv1": {} «QC121»@,\n "conv2": {}, "fc": {}, "pool5": {}}'):
        unmarked_text, expected = unmarked(text)
        assert places(check(unmarked_text, NETWORK)) == expected


def test_what_follows_from_a_duplicate_key_is_not_reported() -> None:
    for marked in (
        '{"a": {"quant_enable": true, «QC511»"quant_enable": false}}',
        '{"a": {}, «QC511»"a": {"quant_enable": false}}',
        activation('"act_algo": "hfmg", «QC511»"act_algo": "ifmr", "num_of_bins": 2048'),
    ):
        text, expected = unmarked(marked)
        assert places(check(text)) == expected


def test_what_follows_from_an_invalid_value_is_not_reported() -> None:
    for marked in (
        activation('"act_algo": «QC501»"kl", "num_of_bins": 2048'),
        weight('"wts_algo": «QC501»"nuq", "num_steps": 32'),
        '{"a": {"quant_enable": «QC501»null}}',
        '{"version": «QC501»"1", "a": {}}',
        '{"skip_fusion_layers": [«QC501»["a"], «QC501»["a"], «QC501»true, «QC501»1], "a": {}}',
    ):
        text, expected = unmarked(marked)
        assert places(check(text)) == expected


def test_the_values_of_a_misspelt_layer_are_checked() -> None:
    text, expected = unmarked(
        '{«QC514»"f_c": {"weight_quant_params": {"channel_wise": «QC409»true}}, "pool5": {}, ' + REST + "}"
    )
    assert places(check(text, NETWORK)) == expected


HUGE = "1" + "0" * 400


def test_numbers_beyond_any_range_are_refused_whatever_their_kind() -> None:
    for marked in (
        activation(f'"search_step": «QC501»{HUGE}'),
        activation(f'"search_range": [0.7, «QC501»{HUGE}]'),
        f'{{"batch_num": «QC501»{HUGE}, "a": {{}}}}',
    ):
        text, expected = unmarked(marked)
        assert places(check(text)) == expected


def test_an_item_of_a_list_is_named_with_its_index() -> None:
    (diagnostic,) = check('{"skip_fusion_layers": ["a", 3], "a": {}}')
    assert diagnostic.message == '"skip_fusion_layers[1]" must be a string, not 3'


def test_a_key_at_the_wrong_level_belongs_elsewhere() -> None:
    for text in (
        '{"a": {"search_step": 0.01}}',
        '{"a": {"channel_wise": true}}',
        '{"a": {"activation_quant_params": {"wts_algo": "arq_quantize"}}}',
        '{"activation_quant_params": {}, "a": {}}',
        '{"quant_enable": true, "a": {}}',
    ):
        (diagnostic,) = check(text)
        assert diagnostic.help
        assert diagnostic.help.startswith("move it to ")
        assert diagnostic.fix == ()


def test_fields_of_a_quant_cfg_are_not_keys_of_a_configuration() -> None:
    for key in ("skip_layers", "common_config", "num_bits"):
        text, expected = unmarked(f'{{«QC514»"{key}": [], "a": {{}}}}')
        found = check(text)
        assert places(found) == expected
        assert found[0].help


def test_a_fix_puts_in_no_name_that_is_there_already() -> None:
    for text in (
        '{"Fc": {"quant_enable": false}, "fc": {}, "pool5": {}, ' + REST + "}",
        '{"fc": {"quant_enabel": true, "quant_enable": false}, "pool5": {}, ' + REST + "}",
        '{"skip_fusion_layers": ["Conv1", "conv1"], "fc": {}, "pool5": {}, ' + REST + "}",
    ):
        assert [diagnostic.fix for diagnostic in check(text, NETWORK)] == [()]


def test_two_misspellings_of_one_name_are_not_fixed() -> None:
    for text in (
        '{"Fc": {"quant_enable": false}, "FC": {"quant_enable": true}, "pool5": {}, ' + REST + "}",
        '{"skip_fusion_layers": ["Conv1", "CONV1"], "fc": {}, "pool5": {}, ' + REST + "}",
    ):
        assert [diagnostic.fix for diagnostic in check(text, NETWORK)] == [(), ()]


@pytest.mark.parametrize(
    ("name", "suggestion", "is_fixed"),
    [
        ("cnov2", "conv2", True),
        ("Fc", "fc", True),
        ("reluu1", "relu1", False),
        ("poool1", "pool1", False),
        ("bn11", "bn1", False),
    ],
)
def test_a_slip_is_fixed_only_where_the_layer_may_be_without_fusion(
    name: str, suggestion: str, is_fixed: bool
) -> None:
    text = f'{{"skip_fusion_layers": ["{name}"], "fc": {{}}, "pool5": {{}}, {REST}}}'
    (diagnostic,) = check(text, NETWORK)
    assert (diagnostic.code, diagnostic.help) == ("QC401", f'did you mean "{suggestion}"?')
    assert [edit.text for edit in diagnostic.fix] == [f'"{suggestion}"'] * is_fixed


# --- what is said

HELP = {
    '{"a": {"quant_enabel": true}}': 'did you mean "quant_enable"?',
    activation('"act_algo": "ifmg"'): 'use "ifmr" or "hfmg"',
    activation('"act_algo": "hfgm"'): 'use "hfmg"',
    '{"do_fusion": "true", "a": {}}': "remove the quotes",
    '{"group_size": 2, "a": {}}': ("write an object: keys other than global settings are layer names"),
    activation('"act_algo": "ifmr", "num_of_bins": 1024'): ('remove it, or set act_algo to "hfmg"'),
    activation('"search_step": 1, "num_of_bins": 1024'): (
        'remove it or num_of_bins: without act_algo, num_of_bins implies "hfmg"'
    ),
    weight('"num_steps": 32'): (
        'remove it, or set wts_algo to "nuq_quantize" (the default is "arq_quantize")'
    ),
    '{"batch_num": 2.0, "a": {}}': "write 2",
    '{"batch_num": 1e15, "a": {}}': "write 1000000000000000",
    '{"batch_num": 1e300, "a": {}}': None,
    activation('"search_step": 0.7'): "set search_step to at most 0.6",
}


@pytest.mark.parametrize("text", HELP)
def test_the_help_says_what_to_do(text: str) -> None:
    assert [diagnostic.help for diagnostic in check(text)] == [HELP[text]]


def test_a_key_may_be_no_text() -> None:
    keys = ", ".join(f'"\\ud8{number:02x}": {{}}' for number in range(20))
    assert check(f"{{{keys}}}") == []
    assert {each.code for each in check(f"{{{keys}}}", NETWORK)} == {"QC514", "QC517"}


def test_a_layer_is_pointed_at_in_the_prototxt() -> None:
    config = {"conv1": {}, "conv2": {}, "pool5": {}, "fc": {"weight_quant_params": {"channel_wise": True}}}
    (diagnostic,) = check(json.dumps(config), NETWORK)
    (related,) = diagnostic.related
    assert (related.span.source.name, related.span.text) == ("net.prototxt", '"fc"')


FIXES = {
    '{"$schema": "x", "a": {}}': '{"a": {}}',
    '{"a": {}, "$schema": "x"}': '{"a": {}}',
    '{"version": 1, "a": {}, "version": 1}': '{"version": 1, "a": {}}',
    '{"a": {"quant_enable": true, "quant_enable": true}}': '{"a": {"quant_enable": true}}',
    '{"batchnum": 2, "a": {}}': '{"batch_num": 2, "a": {}}',
    '{"a": {"quant_enabel": true}}': '{"a": {"quant_enable": true}}',
    activation('"act_algo": "hfgm"'): activation('"act_algo": "hfmg"'),
    '{"do_fusion": "True", "a": {}}': '{"do_fusion": true, "a": {}}',
    '{"version": 1.0, "batch_num": 2e0, "a": {}}': '{"version": 1, "batch_num": 2, "a": {}}',
    activation('"num_of_bins": 2048.0'): activation('"num_of_bins": 2048'),
    weight('"wts_algo": "nuq_quantize", "num_steps": 16.0, "num_of_iteration": 0.0'): (
        weight('"wts_algo": "nuq_quantize", "num_steps": 16, "num_of_iteration": 0')
    ),
}


@pytest.mark.parametrize("text", FIXES)
def test_a_fix_removes_the_error(text: str) -> None:
    source = Source("config.json", text)
    found: list[Diagnostic] = []
    read_configuration(source, None, CAFFE, found.append)
    assert fixed(source, found) == (FIXES[text], len(found))
    assert check(FIXES[text]) == []


def test_a_duplicate_key_with_another_value_has_no_fix() -> None:
    (diagnostic,) = check('{"batch_num": 1, "batch_num": 2, "a": {}}')
    assert diagnostic.fix == ()
    assert diagnostic.help == "remove the wrong one"


RENAME = "rename or remove one of them"


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ('{"conv1": {}, "conv1": {}, "pool5": {}, "fc": {}}', 'rename one of them: "conv2" is missing'),
        ('{"fc": {}, "fc": {"quant_enable": false}, REST}', 'rename one of them: "pool5" is missing'),
        ('{"fc": {}, "fc": {}, "poool5": {}, REST}', RENAME),
        ('{"fc": {}, "fc": {}, REST, "pool5": {}}', RENAME),
        ('{"conv1": {}, "conv1": {}, "fc": {}}', RENAME),
        ('{"fc": {}, "fc": {}, REST @"pool5": {}}', RENAME),
        ('{"$schema": "", "$schema": "", "fc": {}, REST}', RENAME),
    ],
)
def test_a_layer_that_was_copied_and_not_renamed_is_not_removed(text: str, help: str) -> None:
    found = check(text.replace("REST", REST), NETWORK)
    (diagnostic,) = (each for each in found if each.code == "QC511")
    assert (diagnostic.message.split()[:2], diagnostic.help) == (["duplicate", "key"], help)
    assert diagnostic.fix == ()
    assert [each.message for each in diagnostic.related] == ["first defined here"]


def test_without_a_model_no_layer_is_removed() -> None:
    for text in ('{"a": {}, "b": {}, "a": {}}', '{"a": {}, "a": {"quant_enable": true}}', '{"a": 1, "a": 1}'):
        diagnostic = next(each for each in check(text) if each.code == "QC511")
        assert (diagnostic.help, diagnostic.fix) == (RENAME, ())


@pytest.mark.parametrize(
    ("key", "others", "help"),
    [
        ("conv9", '"conv2": {}, "fc": {}, "pool5": {}', 'did you mean "conv1"?'),
        ("conv9", '"conv1": {}, "fc": {}, "pool5": {}', 'did you mean "conv2"?'),
        ("conv9", '"fc": {}, "pool5": {}', 'did you mean "conv2" or "conv1"?'),
        ("conv9", f'{REST}, "fc": {{}}, "pool5": {{}}', 'did you mean "conv2" or "conv1"?'),
        ("pool9", f'"fc": {{}}, {REST}', 'did you mean "pool5"?'),
        ("batch_nom", f'"batch_num": 1, "fc": {{}}, "pool5": {{}}, {REST}', 'did you mean "batch_num"?'),
        ("zzz", f'"fc": {{}}, {REST}', None),
    ],
)
def test_a_layer_that_is_missing_is_suggested_first(key: str, others: str, help: str | None) -> None:
    found = check(f'{{"{key}": {{}}, {others}}}', NETWORK)
    assert [each.help for each in found if each.code == "QC514"] == [help]


_STEPS = [0.01, 2, 1, 1.0, True, None, float("inf")]
_RANGES = [[0.7, 1.3], [1, 2], [1.0, 2], [True, 2], [2, 1], [1, 10**400], [1, float("inf")], []]
_SEARCHES = [
    *({"search_step": step} for step in _STEPS),
    *({"search_range": ends, "act_algo": algorithm} for ends in _RANGES for algorithm in ("ifmr", "hfmg")),
]
_LAYERS = st.sampled_from([{}, 1, *({"activation_quant_params": search} for search in (*_SEARCHES, 1))])
_CONFIGS = st.dictionaries(st.sampled_from("abcdef"), _LAYERS, min_size=2)


@law(_CONFIGS)
def test_what_is_found_is_the_same_when_every_layer_is_checked(config: dict[str, Any]) -> None:
    text = json.dumps(config).replace("Infinity", "1e999")
    found = check(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_distinct", lambda content: content.names)
        assert check(text) == found


# --- agreement

_OF_NO_SCHEMA = {"QC404", "QC411", "QC412", "QC445", "QC450", "QC514", "QC516"}


INTEGERS = {"version", "batch_num", "num_of_bins", "num_steps", "num_of_iteration"}


def has_float(value: Any, integers: Set[str], key: str = "") -> bool:
    """Return whether a configuration has 1.0 in place of an integer, which JSON Schema does not see."""
    if isinstance(value, dict):
        return any(has_float(item, integers, key) for key, item in value.items())
    if isinstance(value, list):
        return any(has_float(item, integers) for item in value)
    return key in integers and isinstance(value, float)


def test_the_keys_that_are_integers_are_those_of_amct() -> None:
    assert CAFFE.schema.integer_keys == INTEGERS


@law_of_editions(st.just, any_configs, examples=120)
def test_the_schema_decides_what_the_values_may_be(known: KnownEdition, config: dict[str, Any]) -> None:
    schema = known.edition.schema
    found = check(json.dumps(config), edition=known.edition)
    # A key that is plainly no layer's is called so, whatever its value is.
    unknown = {json.loads(each.span.text) for each in found if each.code == "QC514" and each.span}
    rest = {key: value for key, value in config.items() if key not in unknown}
    # A duplicate key is a failure of the schema too, and has the code of that error.
    errors = Draft202012Validator(schema.document).iter_errors(rest)
    is_float = has_float(rest, schema.integer_keys)
    refused = any(error.validator != "uniqueItems" for error in errors) or is_float
    assert bool({each.code for each in found} - _OF_NO_SCHEMA) == refused


@law_of_editions(cases)
def test_what_is_compiled_is_in_order(case: Case) -> None:
    if case.request.config_text is None:
        return
    against = case.network.read()
    text = compile_config(against, config_text=case.request.config_text).text
    if text:
        # Both inputs of a node, and more than 8 bits, are accepted with a warning.
        assert {each.code for each in check(text, against, against.edition)} <= {"QC445", "QC450"}
        assert {each.code for each in check(text, edition=against.edition)} <= {"QC445", "QC450"}


@law_of_editions(st.just, damaged_configs)
def test_every_error_has_its_own_location(known: KnownEdition, config: dict[str, Any]) -> None:
    for against in (None, NETWORK) if known is EDITIONS["caffe"] else (None,):
        found = check(json.dumps(config, indent=4), against, known.edition)
        assert all(diagnostic.span for diagnostic in found)
        said = [(diagnostic.code, diagnostic.span, diagnostic.message) for diagnostic in found]
        assert len(said) == len(set(said))


def test_an_empty_name_is_that_of_a_layer_like_any_other() -> None:
    assert check('{"": {"quant_enable": true}}') == []


def test_a_list_of_tensors_is_a_key_of_other_editions() -> None:
    tensor = '{"layer_name": "a", "input_index": 0}'
    assert [each.code for each in check(f'{{"tensor_quantize": [{tensor}]}}')] == ["QC514"]
