"""Find the fusion groups: layers that are folded into the layer before or after them.

Groups follow the data flow, not the order of the text. Changing a blob in place makes
a new blob, and only the last layer of a group may have several readers (reference 5.3).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from quantcfg.contracts.layer_types import Feature, LayerTypes
from quantcfg.network.network import Layer


def with_fusion_groups(
    layers: Sequence[Layer], types: LayerTypes, read_elsewhere: Collection[str] = ()
) -> tuple[Layer, ...]:
    """Return the layers with their fusion groups, or with the reason why they cannot be fused.

    read_elsewhere are the blobs that are read outside of the layers, such as outputs of the network.
    """
    folded, obstacles = _folded_layers(layers, types, _following(layers, read_elsewhere))
    groups: dict[int, set[int]] = defaultdict(set)
    for index, target in folded.items():
        groups[target] |= {index, target}
    fused = list(layers)
    for index, obstacle in obstacles.items():
        fused[index] = layers[index].fused((), obstacle)
    for group in groups.values():
        members = tuple(layers[index].name for index in sorted(group))
        for index in group:
            fused[index] = layers[index].fused(members)
    return tuple(fused)


def _folded_layers(
    layers: Sequence[Layer], types: LayerTypes, following: Mapping[int, int]
) -> tuple[dict[int, int], dict[int, str]]:
    """Return the target of each folded layer, and why other chains cannot be fused, all by index."""
    by_type: dict[str, list[int]] = defaultdict(list)
    for index, layer in enumerate(layers):
        by_type[layer.type].append(index)
    folded: dict[int, int] = {}
    obstacles: dict[int, str] = {}
    for pattern in types.fusion_patterns:
        for index in by_type[pattern[0]]:
            chain = _chain(index, pattern, layers, following)
            if obstacle := next(filter(None, (_obstacle(layers[member], types) for member in chain)), None):
                obstacles.update(dict.fromkeys(chain, obstacle))
            elif (
                chain
                and all(_fits(layers[member], types) for member in chain)
                and folded.keys().isdisjoint(chain)
            ):
                target = next(member for member in chain if layers[member].quantizable)
                folded.update((member, target) for member in chain if member != target)
    return folded, obstacles


def _following(layers: Sequence[Layer], read_elsewhere: Collection[str]) -> dict[int, int]:
    """Return the reader of each layer with a single reader, by index."""
    producer: dict[str, int] = {}
    readers: dict[int, list[int]] = defaultdict(list)
    for index, layer in enumerate(layers):
        for bottom in layer.bottoms:
            if bottom in producer:
                readers[producer[bottom]].append(index)
        producer.update(dict.fromkeys(layer.tops, index))
    others = {producer[blob] for blob in read_elsewhere if blob in producer}
    return {
        index: reading[0] for index, reading in readers.items() if len(reading) == 1 and index not in others
    }


def _chain(
    index: int, pattern: Sequence[str], layers: Sequence[Layer], following: Mapping[int, int]
) -> list[int]:
    """Return the chain of layers that matches a pattern from a layer on, or an empty list."""
    chain: list[int] = []
    member: int | None = index
    for layer_type in pattern:
        if member is None or layers[member].type != layer_type:
            return []
        chain.append(member)
        member = following.get(member)
    return chain


def _obstacle(layer: Layer, types: LayerTypes) -> str | None:
    """Return why a layer cannot be folded, None if it can or is the target."""
    if layer.type in types.quantizable:
        return None
    obstacle = types.reason(Feature.FOLDABLE, layer.type, layer.attributes)
    return f'"{layer.name}" cannot be folded: {obstacle}' if obstacle else None


def _fits(layer: Layer, types: LayerTypes) -> bool:
    """Return whether a layer may be in a group: one bottom, one top, and quantizable or foldable."""
    if len(layer.bottoms) != 1 or len(layer.tops) != 1:
        return False
    return layer.quantizable or layer.type not in types.quantizable
