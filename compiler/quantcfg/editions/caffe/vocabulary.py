"""Layer types and pooling methods that BVLC Caffe does not have: slips, and words of forks.

BVLC stops at all of them. Real files are full of forks' words, so only what
looks like a slip of a word of BVLC's is an error, or a warning where the type is
a string. The known words of forks are in schemas/caffe_layers.json.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from quantcfg import contracts
from quantcfg.diagnostics import Edit, Report, catalogue
from quantcfg.diagnostics.suggestions import near
from quantcfg.editions.caffe import caffe_types
from quantcfg.editions.caffe.definitions import PADDING, Definition
from quantcfg.frozen import frozen_value
from quantcfg.source import Span


@frozen_value
class _Vocabulary:
    """The words of BVLC for a kind of thing, in order, and those with the words of forks.

    is_closed tells that Caffe cannot read another word; a type of today is a string.
    """

    kind: str
    words: tuple[str, ...]
    accepted: frozenset[str]
    is_closed: bool = True


def check_vocabulary(
    layers: Iterable[Definition], is_present: Callable[[Definition], bool], report: Report
) -> None:
    """Report the unknown pooling methods and types of layers.

    Caffe reads and upgrades all layers of a file, but makes only those that are
    present in phase TEST: only their types of today count.
    """
    # The same few words occur again and again.
    meant = cache(_meant)
    for layer in layers:
        for vocabulary, word, span in _unknown_words(layer):
            if vocabulary.is_closed or is_present(layer):
                _report(vocabulary, word, span, meant(vocabulary, word), report)


def _unknown_words(layer: Definition) -> Iterator[tuple[_Vocabulary, str, Span]]:
    """Yield the words of a layer that neither BVLC nor a known fork has, and where they are."""
    if "pool" in layer.unknown_enums:
        span = layer.unknown_word("pool").span
        if span.text not in _pooling_methods().accepted:
            yield _pooling_methods(), span.text, span
    types = _layer_types(layer.version)
    if not layer.has_known_type and layer.word not in types.accepted:
        yield types, layer.word, layer.word_span


@cache
def _pooling_methods() -> _Vocabulary:
    parameter: Any = contracts.message_class("caffe", "caffe.PoolingParameter")
    words, forks = tuple(parameter.PoolMethod.keys()), caffe_types.fork_words("fork_pool_methods")
    return _Vocabulary("pooling method", words, frozenset((*words, *forks)))


@cache
def _layer_types(version: int) -> _Vocabulary:
    # In a V0 net padding is a layer, which the upgrade takes out.
    words = (*caffe_types.known_words(version), *([PADDING] if version == 0 else ()))
    forks = caffe_types.fork_words(("fork_v0_types", "fork_v1_types", "fork_types")[version])
    accepted = frozenset((*words, *forks))
    return _Vocabulary("layer type", words, accepted, is_closed=version < _TODAY)


_TODAY = 2
"""The version of the format whose types are strings."""


def _meant(vocabulary: _Vocabulary, word: str) -> Sequence[str]:
    """Return the words of BVLC that a word is near to."""
    today = None if vocabulary.is_closed else caffe_types.v1_types().get(word)
    return [today] if today else near(word, vocabulary.words)


def _report(vocabulary: _Vocabulary, word: str, span: Span, meant: Sequence[str], report: Report) -> None:
    if not meant and not vocabulary.is_closed:
        return
    rule = catalogue.UNKNOWN_WORD if meant and vocabulary.is_closed else catalogue.FORK_WORD
    # A string keeps its quotes.
    quote = span.text[0] if span.text[:1] in ("'", '"') else ""
    fix = [Edit(span, f"{quote}{meant[0]}{quote}")] if len(meant) == 1 else []
    help = f"use {' or '.join(meant)}" if meant else "ignore this warning if your fork of Caffe has it"
    report(rule.at(span, kind=vocabulary.kind, word=word, help=help, fix=fix))
