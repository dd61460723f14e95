"""Advice on small random networks of all types, with odd parameters and weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import strategies as st

from quantcfg import QuantConfigError, Simulation, advise, read_model
from quantcfg.advice import Advice, json_format, text_format
from quantcfg.network.network import Shape
from quantcfg.weights.arrays import Array
from tests.advice.nets import caffemodel
from tests.caffe.random_nets import SHAPES, network
from tests.laws import law

REQUESTS = (
    "",
    "common_config { ifmr_quantize { search_step: 0.2 } arq_quantize { channel_wise: false } }",
    "common_config { hfmg_quantize { num_of_bins: 1024 } }",
    "activation_offset: false do_fusion: false",
)


def stored(random: Random, shapes: Sequence[Shape]) -> list[Array]:
    """Return blobs that mostly have these shapes and values of a typical size."""
    values = np.random.default_rng(random.getrandbits(32))
    arrays = [np.abs(values.normal(0, 1, tuple(map(abs, shape))).astype(np.float32)) for shape in shapes]
    for array in arrays:
        if random.random() < 0.05:
            array.flat[0] = random.choice((np.nan, np.inf, 1e38, 0))
        if random.random() < 0.1:
            array *= np.float32(random.choice((0, 1e-7, 1e15, -1)))
    if random.random() < 0.05:
        arrays = arrays[:-1]
    if arrays and random.random() < 0.05:
        arrays[0] = values.normal(0, 1, random.choice(SHAPES)).astype(np.float32)
    return arrays


def advice(seed: int, count: int) -> Advice | None:
    """Return the advice on a random network, None if the network has errors."""
    random = Random(seed)
    text = network(random, count)
    with TemporaryDirectory() as folder:
        model, weights = Path(folder, "net.prototxt"), Path(folder, "net.caffemodel")
        model.write_text(text)
        try:
            read = read_model(model)
            operations = read.edition.read_operations(read, {})
            blobs = {
                each.layer.name: stored(
                    random, each.blobs if each.blobs is not None else [(4, 4, 3, 3), (4,)]
                )
                for each in operations.all
            }
            blobs = {name: arrays for name, arrays in blobs.items() if arrays}
            weights.write_bytes(caffemodel(blobs, dict.fromkeys(blobs, "")))
            inputs = {"data": (1, 4, 6, 7)} if None in operations.inputs.values() else {}
            return advise(
                read_model(model, weights),
                weights,
                config_text=random.choice(REQUESTS),
                inputs=inputs if random.random() < 0.5 else {},
                simulation=Simulation(),
            )
        except QuantConfigError:
            return None


@law(st.integers(0, 2**32 - 1), st.integers(1, 6), examples=25)
def test_advice_on_any_network_is_given_or_refused_with_a_reason(seed: int, count: int) -> None:
    found = advice(seed, count)
    if found is None:
        return
    assert json_format.render(found)
    assert " -0.0" not in text_format.render(found)
    simulated = [each for each in found.layers if each.simulated]
    quantized = [each for each in found.layers if each.settings]
    assert len(simulated) == len(quantized) or any("simulat" in note for note in found.notes)
    if simulated:
        assert any(note.startswith("simulated with ") for note in found.notes)


@pytest.mark.slow
def test_many_of_the_networks_are_simulated() -> None:
    """Otherwise the law tests little."""
    found = [advice(seed, 1 + seed % 4) for seed in range(40)]
    assert sum(any(layer.simulated for layer in each.layers) for each in found if each) > 8
