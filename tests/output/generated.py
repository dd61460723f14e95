"""Generated configurations: such as AMCT takes, and such as are damaged somewhere."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tests.editions import KnownEdition
from tests.oracle.amct import OracleEdition

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

_GLOBALS = {
    "version": st.just(1),
    "batch_num": st.integers(1, 2**70),
    "activation_offset": st.booleans(),
    "joint_quant": st.booleans(),
    "do_fusion": st.booleans(),
    "skip_fusion_layers": st.lists(st.sampled_from(["conv1", "größe", 'a "name"']), unique=True),
}
_PERCENTILES = st.sampled_from([0.51, 0.999999, 1.0, 1])
_IFMR = {
    "max_percentile": _PERCENTILES,
    "min_percentile": _PERCENTILES,
    "search_range": st.sampled_from([[0.7, 1.3], [1e-05, 10000000000.0]]),
    "search_step": st.sampled_from([0.01, 1e-45, 1]),
    "act_algo": st.just("ifmr"),
    "asymmetric": st.booleans(),
}
_HFMG = {
    "act_algo": st.just("hfmg"),
    "num_of_bins": st.sampled_from([1024, 2048, 4096, 8192]),
    "asymmetric": st.booleans(),
}
_ARQ = {"wts_algo": st.just("arq_quantize"), "channel_wise": st.booleans()}
_NUQ = {
    "wts_algo": st.just("nuq_quantize"),
    "num_steps": st.sampled_from([16, 32]),
    "num_of_iteration": st.integers(0, 5),
}
_MANY_BITS = st.sampled_from([8, 16])


def _activations(edition: OracleEdition) -> SearchStrategy[dict[str, Any]]:
    num_bits = {"num_bits": _MANY_BITS} if edition.num_bits else {}
    return st.fixed_dictionaries(num_bits | _IFMR) | st.fixed_dictionaries(num_bits | _HFMG)


def _layers(edition: OracleEdition) -> SearchStrategy[dict[str, Any]]:
    num_bits = {"num_bits": st.just(8)} if edition.num_bits else {}
    return st.fixed_dictionaries(
        {
            "quant_enable": st.booleans(),
            "activation_quant_params": _activations(edition),
            "weight_quant_params": st.fixed_dictionaries(num_bits | _ARQ)
            | st.fixed_dictionaries(num_bits | _NUQ),
        },
        optional={"dmq_balancer_param": st.sampled_from([0.2, 0.5, 0.8])} if edition.balanced else {},
    )


def _globals(edition: OracleEdition) -> SearchStrategy[dict[str, Any]]:
    if not edition.tensor:
        return st.fixed_dictionaries(_GLOBALS)
    tensor = st.fixed_dictionaries(
        {
            "layer_name": st.sampled_from(["pool1", "größe"]),
            "input_index": st.integers(0, 1),
            "activation_quant_params": _activations(edition),
        }
    )
    return st.fixed_dictionaries(
        _GLOBALS
        | {"tensor_quantize": st.lists(tensor, max_size=2, unique_by=lambda each: each["layer_name"])},
        optional={"fakequant_precision_mode": st.just("FORCE_FP16_QUANT")},
    )


# One is 1, 1.0 and True, which are equal in Python and not in JSON.
_WRONG_VALUES: SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        0,
        1,
        1.0,
        -1,
        0.5,
        1e308,
        "",
        "hfmg",
        "nuq_quantize",
        "1",
        [],
        [0.7],
        [1, "1"],
        {},
        {"a": 1},
    ]
)
_NAMES = ("conv1", "conv10", "conv2", "fc", "größe", "层", "\U0001f600", 'a "name"', "", " ", "a\nb")


_KEYS = ("num_bits", "num_of_bins", "search_step", "channel_wise", "dmq_balancer_param", "layer_name")


@st.composite
def good_configs(draw: DrawFn, edition: KnownEdition) -> dict[str, Any]:
    """A configuration whose layers share a few bodies, some of them one and the same object."""
    config = draw(_globals(edition.oracle))
    bodies = draw(st.lists(_layers(edition.oracle), min_size=1, max_size=3))
    for name in draw(st.lists(st.sampled_from(_NAMES), unique=True)):
        config[name] = draw(st.sampled_from(bodies))
    return config


@st.composite
def damaged_configs(draw: DrawFn, edition: KnownEdition) -> dict[str, Any]:
    """A configuration with wrong values, keys too many, and keys too few."""
    config: dict[str, Any] = copy.deepcopy(draw(good_configs(edition)))
    for _ in range(draw(st.integers(1, 4))):
        places = list(_places(config))
        container, key = draw(st.sampled_from(places))
        damage = draw(st.sampled_from(["replace", "add", "remove"]))
        if damage == "replace":
            container[key] = copy.deepcopy(draw(_WRONG_VALUES))
        elif damage == "add" and isinstance(container, dict):
            container[draw(st.sampled_from(_KEYS))] = 8
        elif len(places) > 1:
            del container[key]
    return config


def any_configs(edition: KnownEdition) -> SearchStrategy[dict[str, Any]]:
    return good_configs(edition) | damaged_configs(edition)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every object and list in a value, with each of its keys."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])
