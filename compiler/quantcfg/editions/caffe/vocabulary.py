"""Unknown words of a prototxt: layer types, pooling methods, fields, and values of another format version.

BVLC Caffe rejects every unknown layer type and pooling method. Many real files are
for forks of Caffe, though, so only a probable misspelling is an error, or a warning
where the type is a string. Known words of forks are in schemas/caffe_layers.json.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from quantcfg.diagnostics import Diagnostic, Edit, Report, catalogue
from quantcfg.diagnostics.suggestions import near
from quantcfg.editions.caffe import caffe_types
from quantcfg.editions.caffe.definitions import PADDING, Definition
from quantcfg.frozen import field, frozen_value
from quantcfg.source import Span
from quantcfg.textproto import Binding, tree
from quantcfg.textproto.binder import Hint

if TYPE_CHECKING:
    from quantcfg.contracts.descriptors import FieldDescriptor


@frozen_value
class _Vocabulary:
    """The words of BVLC Caffe for layer types or pooling methods, and all accepted words.

    names maps the words, and their names in other format versions, to the words. accepted
    includes the words of known forks. is_closed is whether Caffe cannot read any other
    word; a current layer type is a string, so any word can be read.
    """

    kind: str
    words: tuple[str, ...]
    accepted: frozenset[str]
    names: Mapping[str, str] = field(compare=False)
    is_closed: bool = True


def check_vocabulary(
    layers: Iterable[Definition], is_present: Callable[[Definition], bool], report: Report
) -> None:
    """Report unknown layer types and pooling methods.

    Caffe reads and upgrades all layers of a file, but creates only the layers in phase
    TEST, so a current type matters only in those.
    """
    meant = cache(_meant)
    for layer in layers:
        for vocabulary, word, span in _unknown_types(layer):
            if newer := _newer_type(vocabulary, word):
                help = _without_v1_word(newer)
                report(catalogue.FORK_WORD.at(span, kind=vocabulary.kind, word=word, help=help))
            elif vocabulary.is_closed or is_present(layer):
                _report(vocabulary, word, span, meant(vocabulary, word), report)


def _unknown_types(layer: Definition) -> Iterator[tuple[_Vocabulary, str, Span]]:
    """Yield the words of a layer that neither BVLC Caffe nor a known fork has, and their spans."""
    if "pool" in layer.unknown_enums:
        span = layer.unknown_word("pool").span
        if span.text not in _pooling_methods().accepted:
            yield _pooling_methods(), span.text, span
    types = _layer_types(layer.version)
    if not layer.has_known_type and layer.word not in types.accepted:
        yield types, layer.word, layer.word_span


@cache
def _pooling_methods() -> _Vocabulary:
    words = tuple(caffe_types.enum("PoolingParameter", "pool").numbers)
    forks = caffe_types.fork_words("fork_pool_methods")
    return _Vocabulary("pooling method", words, frozenset((*words, *forks)), {word: word for word in words})


@cache
def _layer_types(version: int) -> _Vocabulary:
    # V0 has padding layers, which the upgrade removes.
    words = (*caffe_types.known_types(version), *([PADDING] if version == 0 else ()))
    forks = caffe_types.fork_words(("fork_v0_types", "fork_v1_types", "fork_types")[version])
    accepted = frozenset((*words, *forks))
    others = caffe_types.other_names(version) if version < _CURRENT else caffe_types.v1_types()
    names = {**others, **{word: word for word in words}}
    return _Vocabulary("layer type", words, accepted, names, is_closed=version < _CURRENT)


@cache
def _newer_types() -> Mapping[str, str]:
    """Return the current types that V1 does not have, by their folded names."""
    old = caffe_types.v1_types().values()
    return {_folded(name): name for name in caffe_types.known_types(_CURRENT) if name not in old}


def _newer_type(vocabulary: _Vocabulary, word: str) -> str | None:
    """Return the current type that is meant by a word of V1, if V1 does not have this type."""
    return _newer_types().get(_folded(word)) if vocabulary == _layer_types(1) else None


_CURRENT = 2
"""The current format version, where types are strings."""


def _meant(vocabulary: _Vocabulary, word: str) -> Sequence[str]:
    """Return the words that may be meant: of BVLC Caffe, or a known fork word in another spelling."""
    if exact := vocabulary.names.get(word):
        return [exact]
    if not vocabulary.is_closed:
        return near(word, vocabulary.words)
    forks = sorted(vocabulary.accepted.difference(vocabulary.words))
    if same := [each for each in forks if _folded(each) == _folded(word)]:
        return same
    return list(dict.fromkeys(vocabulary.names[each] for each in near(word, vocabulary.names)))


def _folded(word: str) -> str:
    return word.replace("_", "").lower()


def _report(vocabulary: _Vocabulary, word: str, span: Span, meant: Sequence[str], report: Report) -> None:
    if not meant and not vocabulary.is_closed:
        return
    is_slip = vocabulary.is_closed and any(each in vocabulary.words for each in meant)
    rule = catalogue.UNKNOWN_WORD if is_slip else catalogue.FORK_WORD
    # The fix keeps the quotes of a string.
    quote = span.text[0] if span.text[:1] in ("'", '"') else ""
    fix = [Edit(span, f"{quote}{meant[0]}{quote}")] if len(meant) == 1 else []
    help = f"use {' or '.join(meant)}" if meant else _fork_help(vocabulary, word)
    report(rule.at(span, kind=vocabulary.kind, word=word, help=help, fix=fix))


def _fork_help(vocabulary: _Vocabulary, word: str) -> str:
    """Return the help for a word that is not similar to one of BVLC Caffe."""
    is_method = vocabulary == _pooling_methods()
    shorter = [each for each in vocabulary.words if is_method and word.upper().startswith(each)]
    instead = f"use {shorter[0]}, or " if shorter else ""
    return f"{instead}ignore this warning if your fork of Caffe has it"


# --- misspelled fields


@frozen_value
class MisspeltFields:
    """The sorted offsets of misspelled fields; a misspelled field between layers may be a layer itself."""

    offsets: Sequence[int]
    are_between_layers: bool

    def are_in(self, layer: Definition) -> bool:
        """Return whether a layer has a misspelled field, at any depth."""
        if not self.offsets:
            return False
        whole = layer.whole
        return bisect_left(self.offsets, whole.start) < bisect_left(self.offsets, whole.end)


def misspelt_fields(found: Iterable[Diagnostic], binding: Binding) -> MisspeltFields:
    """Return the fields with a diagnostic that they are misspelled; more diagnostics would only repeat it."""
    code = catalogue.NEARLY_A_FIELD.code
    offsets = sorted(each.span.start for each in found if each.code == code and each.span)
    between = {field.start for field in binding.document.fields} if offsets else set()
    return MisspeltFields(offsets, not between.isdisjoint(offsets))


# --- values of another version


_TYPE, _PARAM = "caffe.LayerParameter.type", "caffe.LayerParameter.param"
_V1_TYPE, _V1_PARAM = "caffe.V1LayerParameter.type", "caffe.V1LayerParameter.param"
_V0_TYPE = "caffe.V0LayerParameter.type"
_TO_LAYER = 'change every "layers" to "layer"'


def hint(descriptor: FieldDescriptor, value: tree.Value) -> Hint | None:
    """Return a hint for a value that the field takes in another format version, None for other values."""
    if descriptor.full_name == _TYPE and isinstance(value, tree.Identifier):
        return _current_type(value.text)
    if descriptor.full_name == _V0_TYPE and isinstance(value, tree.Identifier):
        return _v0_type(value.text)
    if descriptor.full_name == _V1_TYPE and isinstance(value, tree.String):
        return _v1_type("".join(part.text[1:-1] for part in value.parts))
    if descriptor.full_name == _V1_PARAM and isinstance(value, tree.Message):
        return Hint(f'use blobs_lr and weight_decay, or {_TO_LAYER}: "layers" have no param')
    if descriptor.full_name == _PARAM and isinstance(value, tree.String):
        return Hint('write param { name: "..." }')
    return None


def _current_type(word: str) -> Hint | None:
    name = caffe_types.v1_types().get(word)
    return Hint(f'write "{name}": the type of a "layer" is a string', f'"{name}"') if name else None


def _v0_type(word: str) -> Hint | None:
    types = _layer_types(0)
    meant = [] if word in types.accepted else _meant(types, word)
    name = f'"{meant[0]}"' if len(meant) == 1 else None
    return Hint(f'write {name}: the type of a V0 "layer" is a string', name) if name else None


def _v1_type(name: str) -> Hint | None:
    types = _layer_types(1)
    if name in types.words or not name:
        return None
    if name in types.accepted:
        return Hint("remove the quotes", name)
    newer = _newer_type(types, name)
    meant = [] if newer else _meant(types, name)
    if not meant:
        return Hint(_without_v1_word(newer or name))
    help = f'write {" or ".join(meant)}: the type of "layers" is an enum value'
    return Hint(help, meant[0] if len(meant) == 1 else None)


def _without_v1_word(name: str) -> str:
    """Return the help for a current layer type that V1 does not have."""
    instead = "use input and input_dim, or " if name == "Input" else ""
    return f'{instead}{_TO_LAYER}: "layers" have no type {name}'
