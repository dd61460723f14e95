"""What the JSON Schema of the configuration says of algorithms and their parameters."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from typing import TYPE_CHECKING, Any

from quantcfg import contracts
from quantcfg.acceptance import Accepts, acceptor
from quantcfg.plan.settings import Leaf, Setting, default
from quantcfg.values import frozen_value

if TYPE_CHECKING:
    from quantcfg.plan.request import Algorithm

ACTIVATION_ALGORITHM = "act_algo"
WEIGHT_ALGORITHM = "wts_algo"
ASYMMETRIC = "asymmetric"
CHANNEL_WISE = "channel_wise"

_HOMES = (("activation", ACTIVATION_ALGORITHM), ("weight", WEIGHT_ALGORITHM))
"""The definitions of the objects that name an algorithm, and the key that does."""

_ENDS = ("start", "end")
_FIELD_END = "_quantize"


@frozen_value
class Parameter:
    """A key of the configuration that an algorithm writes.

    settings are the fields of quant.cfg that give its value, two for a range;
    defaults are as many, or none where the schema has no default, and unwritten
    are the same as settings.
    """

    key: str
    settings: tuple[str, ...]
    defaults: tuple[Any, ...]
    unwritten: tuple[Setting[Any], ...]

    @property
    def default(self) -> Any:
        """The default as it stands in a configuration, None where the schema has none."""
        if not self.defaults:
            return None
        return list(self.defaults) if len(self.settings) > 1 else self.defaults[0]

    def items(self, value: Any) -> Iterator[tuple[str, Any]]:
        """Yield the fields of quant.cfg that give a value of the configuration, and what each says."""
        yield from zip(self.settings, value if len(self.settings) > 1 else (value,), strict=True)


def global_defaults() -> dict[str, Any]:
    """Return the keys of the whole network in output order, with their defaults (reference 3.1)."""
    return {key: known["default"] for key, known in _schema()["properties"].items()}


def layer_keys() -> Collection[str]:
    """Return the keys of a layer in output order (reference 3.2)."""
    keys: Collection[str] = _schema()["definitions"]["layer"]["properties"].keys()
    return keys


def activation_algorithm(algorithm: Algorithm | None) -> str:
    """Return what the configuration calls an activation algorithm (reference 3.3)."""
    if algorithm is None:
        return _default_of("activation", ACTIVATION_ALGORITHM)
    return algorithm.name.removesuffix(_FIELD_END)


def field_of(name: str) -> str:
    """Return the field of a quant.cfg for what the configuration calls an algorithm (reference 3.3, 3.4)."""
    return name if name.endswith(_FIELD_END) else f"{name}{_FIELD_END}"


def weight_algorithm(algorithm: Algorithm | None) -> str:
    """Return what the configuration calls a weight algorithm (reference 3.4)."""
    return _default_of("weight", WEIGHT_ALGORITHM) if algorithm is None else algorithm.name


@cache
def parameters(name: str) -> tuple[Parameter, ...]:
    """Return the keys of an algorithm, by its name in the configuration, in output order."""
    properties: dict[str, Any] = _schema()["definitions"][name]["properties"]
    return tuple(_parameter(key, known) for key, known in properties.items())


def values_of(name: str, given: Mapping[str, Setting[Any]]) -> dict[str, Leaf]:
    """Return the values of an algorithm by its name in the configuration, in output order.

    given holds them by field of quant.cfg; what is not in there has its default,
    and what is no parameter of the algorithm is left out.
    """
    usual, ranges = _usual(name)
    values: dict[str, Any] = {**usual, **given}
    for each in ranges:
        values[each.key] = tuple(map(values.pop, each.settings, each.unwritten))
    return values if len(values) == len(usual) else {key: values[key] for key in usual}


@cache
def _usual(name: str) -> tuple[dict[str, Leaf], list[Parameter]]:
    """Return the default values of an algorithm, and its parameters that are ranges."""
    known = parameters(name)
    usual: dict[str, Leaf] = {
        each.key: each.unwritten[0] if len(each.unwritten) == 1 else each.unwritten for each in known
    }
    return usual, [each for each in known if len(each.settings) > 1]


@cache
def unwritten(field: str) -> Mapping[str, Setting[Any]]:
    """Return what the schema gives to parameters that are not written, by their fields in quant.cfg.

    field is that of their algorithm.
    """
    name = _algorithm_of(field)
    known = parameters(name) if name else ()
    return {each: value for one in known for each, value in zip(one.settings, one.unwritten, strict=False)}


def _parameter(key: str, known: Mapping[str, Any]) -> Parameter:
    names: tuple[str, ...] = (key,)
    defaults = (known["default"],) if "default" in known else ()
    if known.get("type") == "array":
        names = tuple(f"{key}_{end}" for end in _ENDS)
        defaults = tuple(known["default"])
    return Parameter(key, names, defaults, tuple(map(default, defaults)))


def schema_of(field: str, algorithm: str | None = None) -> Mapping[str, Any]:
    """Return what the schema says of the value of a field of quant.cfg; nothing where it has none.

    algorithm is the field that the field stands in, if it is a parameter.
    """
    known: Mapping[str, Any]
    if algorithm is None:
        known = _schema()["properties"].get(field, {})
        return known
    name = _algorithm_of(algorithm)
    parameter = next((each for each in parameters(name) if field in each.settings), None) if name else None
    if parameter is None:
        return {}
    known = _resolved(_schema()["definitions"][name]["properties"][parameter.key])
    items: Mapping[str, Any] = known.get("items", {})
    return items if len(parameter.settings) > 1 else known


def schema_at(path: Sequence[str], around: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the schema says of the value under some keys of a configuration; nothing of unknown keys.

    around is the object that the last key stands in: it says of which algorithm the parameters are.
    """
    known: Mapping[str, Any] = _schema()
    for key in path:
        properties = known.get("properties", {})
        if "if" in known:
            properties = {**properties, **_chosen(known, around)["properties"]}
        known = _resolved(properties.get(key, known.get("additionalProperties") or {}))
    return known


def _chosen(definition: Mapping[str, Any], values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the definition of the algorithm that an object is read as, without the key that names it."""
    selector = next(iter(definition["properties"]))
    chosen = _resolved(definition["then" if acceptor(definition["if"], _schema())(values) else "else"])
    return {"properties": {key: each for key, each in chosen["properties"].items() if key != selector}}


def activation_algorithm_of(values: Mapping[str, Any]) -> str:
    """Return the algorithm that activation_quant_params are read as (reference 3.6)."""
    condition, chosen, other = _activation_choice()
    return chosen if condition(values) else other


@cache
def _activation_choice() -> tuple[Accepts, str, str]:
    """Return the condition of the schema, and the algorithms where it holds and where it does not."""
    definition = _schema()["definitions"]["activation"]
    chosen, other = (definition[branch]["$ref"].rsplit("/", 1)[-1] for branch in ("then", "else"))
    return acceptor(definition["if"], _schema()), chosen, other


@cache
def integer_keys() -> AbstractSet[str]:
    """Return the keys whose values are integers, of the network and of algorithms."""
    names = (name for home, selector in _HOMES for name in _choices(_schema()["definitions"][home], selector))
    homes = (_schema(), *(_schema()["definitions"][name] for name in names))
    return {key for home in homes for key, known in home["properties"].items() if _is_integer(known)}


def _is_integer(known: Mapping[str, Any]) -> bool:
    return known.get("type") == "integer" or all(type(value) is int for value in known.get("enum", ("",)))


def _resolved(known: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a schema refers to, or itself."""
    definitions: dict[str, Mapping[str, Any]] = _schema()["definitions"]
    return definitions[known["$ref"].rsplit("/", 1)[-1]] if "$ref" in known else known


def algorithm_of(key: str, selector: str) -> str | None:
    """Return the one algorithm that has a key among its parameters; selector is where it is named."""
    names = (name for each in _schema()["definitions"].values() for name in _choices(each, selector))
    having = [name for name in names if key in _schema()["definitions"][name]["properties"]]
    return having[0] if len(having) == 1 else None


def _choices(definition: dict[str, Any], selector: str) -> Iterator[str]:
    yield from definition.get("properties", {}).get(selector, {}).get("enum", ())


def _algorithm_of(field: str) -> str | None:
    """Return the algorithm that a field of quant.cfg asks for, None if it is no such field."""
    definitions = _schema()["definitions"]
    names = (name for home, selector in _HOMES for name in _choices(definitions[home], selector))
    return next((name for name in names if field in (name, field_of(name))), None)


def home_of(key: str) -> str | None:
    """Return the object of a configuration that has a key: a layer, or one of its objects."""
    return _homes_of_keys().get(key)


@cache
def _homes_of_keys() -> Mapping[str, str]:
    definitions = _schema()["definitions"]
    homes = {
        key: f"{home}_quant_params of a layer"
        for home, selector in _HOMES
        for name in _choices(definitions[home], selector)
        for key in definitions[name]["properties"]
    }
    return homes | dict.fromkeys(definitions["layer"]["properties"], "a layer")


def accepts(name: str, key: str, value: Any) -> bool:
    """Tell whether the schema takes a value for a key of an algorithm."""
    return _acceptor(name, key)(value)


@cache
def _acceptor(name: str, key: str) -> Accepts:
    return acceptor(_schema()["definitions"][name]["properties"][key], _schema())


def _default_of(definition: str, key: str) -> str:
    name: str = _schema()["definitions"][definition]["properties"][key]["default"]
    return name


def _schema() -> dict[str, Any]:
    return contracts.schema("quant_config.schema.json")
