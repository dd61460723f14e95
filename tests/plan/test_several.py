"""Several names in one string: the diagnostic and the fix."""

from __future__ import annotations

import json

import pytest

from quantcfg import check_text, compile_config
from quantcfg.diagnostics import Diagnostic, Severity, has_errors
from quantcfg.diagnostics.fixes import fixed
from tests.marks import places, unmarked
from tests.networks import batch_norm, conv, inner_product, net, network, pool, relu, scale
from tests.plan.requests import for_layer, for_type

NETWORK = network(
    net(
        conv("conv1"),
        batch_norm("bn1", "conv1"),
        scale("scale1", "bn1"),
        relu("relu1", "scale1"),
        conv("conv2", "relu1"),
        batch_norm("bn2", "conv2"),
        scale("scale2", "bn2"),
        pool("pool1", "scale2"),
        conv("a b", "pool1"),
        conv("a,c", "a b"),
        inner_product("fc", "a,c"),
    )
)
BOTH = 'write one string per name: ["conv1", "conv2"]'
ADJACENT = 'write ["conv1", "conv2"]: adjacent strings are joined'


def errors_in(text: str) -> list[Diagnostic]:
    return [each for each in check_text(text, network=NETWORK) if each.severity is Severity.ERROR]


FIXED = {
    'skip_layers: «QC401»"conv1, conv2"': ('skip_layers: ["conv1", "conv2"]', BOTH),
    "skip_layers: «QC401»'conv1,conv2'": ('skip_layers: ["conv1", "conv2"]', BOTH),
    'skip_layers: «QC401»"conv1;conv2"': ('skip_layers: ["conv1", "conv2"]', BOTH),
    'skip_layers: «QC401»"conv1 conv2"': ('skip_layers: ["conv1", "conv2"]', BOTH),
    'skip_layers: «QC401»" conv1,\\n conv2, "': ('skip_layers: ["conv1", "conv2"]', BOTH),
    'skip_layers: ["fc", «QC401»"conv1, conv2"]': ('skip_layers: ["fc", "conv1", "conv2"]', BOTH),
    'skip_layers: «QC401»"conv1" "conv2"': ('skip_layers: ["conv1", "conv2"]', ADJACENT),
    'skip_layers: «QC401»"conv1" # 1\n  "conv2" # 2\n': (
        'skip_layers: ["conv1", # 1\n  "conv2"] # 2\n',
        ADJACENT,
    ),
    'skip_layers: [«QC401»"conv1"\n "conv2", "fc"]': ('skip_layers: ["conv1",\n "conv2", "fc"]', ADJACENT),
    'skip_layers: «QC401»"conv1," "conv2"': ('skip_layers: ["conv1", "conv2"]', BOTH),
    'skip_layers: «QC401»"a b" "conv2"': (
        'skip_layers: ["a b", "conv2"]',
        'write ["a b", "conv2"]: adjacent strings are joined',
    ),
    'skip_layer_types: «QC403»"Convolution, Pooling"': (
        'skip_layer_types: ["Convolution", "Pooling"]',
        'write one string per name: ["Convolution", "Pooling"]',
    ),
    'skip_layer_types: «QC403»"Convolution" "Pooling"': (
        'skip_layer_types: ["Convolution", "Pooling"]',
        'write ["Convolution", "Pooling"]: adjacent strings are joined',
    ),
    'skip_fusion_layers: «QC401»"conv1 conv2"': ('skip_fusion_layers: ["conv1", "conv2"]', BOTH),
    'skip_fusion_layers: «QC401»"conv1, fc"': (
        'skip_fusion_layers: ["conv1", "fc"]',
        'write one string per name: ["conv1", "fc"]',
    ),
    'skip_fusion_layers: «QC401»"conv1" "fc"': (
        'skip_fusion_layers: ["conv1", "fc"]',
        'write ["conv1", "fc"]: adjacent strings are joined',
    ),
    'skip_fusion_layers: «QC401»"fc;conv2"': (
        'skip_fusion_layers: ["fc", "conv2"]',
        'write one string per name: ["fc", "conv2"]',
    ),
    'skip_fusion_layers: «QC401»"conv1" "conv2"': ('skip_fusion_layers: ["conv1", "conv2"]', ADJACENT),
}


@pytest.mark.parametrize("marked", FIXED)
def test_each_name_gets_its_own_string(marked: str) -> None:
    text, expected = unmarked(marked)
    after, help = FIXED[marked]
    found = errors_in(text)
    assert places(found) == expected
    (error,) = found
    assert error.help == help
    assert error.span
    assert fixed(error.span.source, found) == (after, 1)
    assert compile_config(NETWORK, config_text=after).ok


@pytest.mark.parametrize("names", ["conv1, fc", "fc, conv2"])
def test_a_request_and_a_configuration_get_the_same_fix_and_nothing_more(names: str) -> None:
    compiled = compile_config(NETWORK).text
    assert compiled
    changed = json.dumps({**json.loads(compiled), "skip_fusion_layers": [names]})
    for file, text in (("quant.cfg", f'skip_fusion_layers: "{names}"'), ("config.json", changed)):
        (error,) = check_text(text, file, NETWORK)
        assert (error.code, error.severity) == ("QC401", Severity.ERROR)
        assert [edit.text.strip("[]") for edit in error.fix] == [
            ", ".join(f'"{each}"' for each in names.split(", "))
        ]


NOT_FIXED = {
    # The fix would only make another error.
    'skip_layers: «QC401»"conv1, conv9"': 'write one string per name: ["conv1", "conv9"]',
    'skip_layers: «QC401»"conv1" "conv9"': ('write ["conv1", "conv9"]: adjacent strings are joined'),
    'skip_layers: «QC401»"cnov1, cnov2"': 'write one string per name: ["cnov1", "cnov2"]',
    'skip_layers: ["conv1", «QC401»"conv1, conv2"]': BOTH,
    'skip_layers: «QC401»"conv1, conv1"': 'write one string per name: ["conv1", "conv1"]',
    'skip_fusion_layers: «QC401»"conv1, pool9"': 'write one string per name: ["conv1", "pool9"]',
    'skip_layers: «QC401»"1,2,3,4,5,6"': 'write one string per name: ["1", "2", "3", "4", "5", ...]',
    # An override has one name.
    for_layer("«QC401»conv1, conv2"): 'write one override_layer_configs per name: "conv1" and "conv2"',
    for_layer('«QC401»conv1" "conv2'): 'write one override_layer_configs per name: "conv1" and "conv2"',
    for_type("«QC403»Pooling;InnerProduct"): (
        'write one override_layer_types per name: "Pooling" and "InnerProduct"'
    ),
}


@pytest.mark.parametrize("marked", NOT_FIXED)
def test_what_needs_judgement_has_only_a_help(marked: str) -> None:
    text, expected = unmarked(marked)
    found = errors_in(text)
    assert places(found) == expected
    assert [each.fix for each in found] == [()]
    assert found[0].help == NOT_FIXED[marked]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ('"a  b"', "a b"),
        ('"a,,c"', "a,c"),
        ('"A,C"', "a,c"),
        ('"conv 1"', "conv1"),
        ('"conv1,"', "conv1"),
        ('"conv" "_1"', "conv1"),
    ],
)
def test_a_slip_of_one_name_is_one_name(text: str, meant: str) -> None:
    (error,) = errors_in(f"skip_layers: {text}")
    assert error.help == f'did you mean "{meant}"?'


def test_of_two_strings_with_one_name_only_the_first_is_fixed() -> None:
    found = errors_in('skip_layers: ["conv1, conv2", "conv2, fc"]')
    assert [bool(each.fix) for each in found] == [True, False]
    found = errors_in('skip_layers: ["Conv1", "conv1, conv2"]')
    assert [bool(each.fix) for each in found] == [True, False]


def test_the_names_that_are_meant_count() -> None:
    """Check that "every layer is skipped" is reported together with the error in the string."""
    text, expected = unmarked('skip_layers: [«QC407»"a b", "a,c", «QC401»"conv1, conv2, pool1, fc"]')
    assert places(errors_in(text)) == expected


def test_an_argument_with_several_names_has_a_help() -> None:
    compilation = compile_config(NETWORK, skip_layers=["fc", "conv1,conv2"])
    (error,) = compilation.diagnostics
    assert places([error]) == ["QC401 1:8"]
    assert (error.help, error.fix) == ('pass "conv1" and "conv2" as separate names', ())


# --- a configuration


def configuration(*names: str) -> str:
    layers: dict[str, object] = {each.name: {} for each in NETWORK.quantizable}
    return json.dumps({"skip_fusion_layers": names} | layers)


@pytest.mark.parametrize(
    ("names", "help", "after"),
    [
        (["conv1, conv2"], BOTH, ["conv1", "conv2"]),
        (["fc", "conv1;conv2"], BOTH, ["fc", "conv1", "conv2"]),
        (["conv1, relu1"], 'write one string per name: ["conv1", "relu1"]', None),
        (["conv1, conv9"], 'write one string per name: ["conv1", "conv9"]', None),
        (["conv1", "conv1, conv2"], BOTH, None),
    ],
)
def test_a_configuration_is_treated_alike(names: list[str], help: str, after: list[str] | None) -> None:
    found = check_text(configuration(*names), "config.json", NETWORK)
    (error,) = (each for each in found if each.code == "QC401")
    assert error.help == help
    assert error.span
    assert error.span.text == json.dumps(names[-1])
    text, count = fixed(error.span.source, found)
    assert (text, count) == (configuration(*(after or names)), after is not None)
    assert has_errors(check_text(text, "config.json", NETWORK)) == (after is None)


def test_of_two_strings_of_a_configuration_with_one_name_only_the_first_is_fixed() -> None:
    found = check_text(configuration("conv1, conv2", "conv2, fc"), "config.json", NETWORK)
    assert [bool(each.fix) for each in found if each.code == "QC401"] == [True, False]
