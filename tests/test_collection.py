"""When Python looks for cyclic garbage: not during the work, and not for what the work has made."""

from __future__ import annotations

import gc

from quantcfg.collection import no_collection


def _is_young(value: object) -> bool:
    return any(each is value for each in gc.get_objects(generation=0))


def test_what_is_made_counts_as_old() -> None:
    with no_collection():
        assert not gc.isenabled()
        made = [object()]
    assert gc.isenabled()
    assert not _is_young(made)


def test_what_a_program_has_frozen_stays_so() -> None:
    gc.freeze()
    try:
        before = gc.get_freeze_count()
        with no_collection():
            pass
        # Values that are freed leave the count.
        assert 0 < gc.get_freeze_count() <= before
    finally:
        gc.unfreeze()


def test_a_collector_that_was_off_stays_so() -> None:
    gc.disable()
    try:
        with no_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
