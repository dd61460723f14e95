from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import strategies as st

from tests.laws import law
from tests.textproto.deviations import DEVIATIONS, Deviation, Stricter
from tests.textproto.near_misses import nearly_valid_texts
from tests.textproto.reading import CONFIGS, EVERYTHING, IMPLICIT, read, read_by_google, same

if TYPE_CHECKING:
    from google.protobuf.message import Message

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "text-format.md"


@law(st.sampled_from([*CONFIGS, EVERYTHING, IMPLICIT]), st.data(), examples=200)
def test_both_parsers_agree_except_for_the_known_deviations(
    message_type: type[Message], data: st.DataObject
) -> None:
    text = data.draw(nearly_valid_texts(message_type))
    stricter = disagreement(text, message_type)
    assert stricter is None or any(
        deviation.applies(text, message_type) and deviation.stricter in (stricter, "neither")
        for deviation in DEVIATIONS
    )


def disagreement(text: str, message_type: type[Message]) -> Stricter | None:
    """Return who is stricter about text, "neither" if the messages differ, or None."""
    reading, other = read(text, message_type), read_by_google(text, message_type)
    if reading.accepted and other is not None:
        return None if same(reading.message, other) else "neither"
    if reading.accepted:
        return "google"
    return None if other is None else "we"


@pytest.mark.parametrize("deviation", DEVIATIONS, ids=lambda deviation: deviation.name)
def test_the_example_of_a_deviation_shows_it(deviation: Deviation) -> None:
    assert disagreement(deviation.example, deviation.message_type) == deviation.stricter
    assert [
        other.name for other in DEVIATIONS if other.applies(deviation.example, deviation.message_type)
    ] == [deviation.name]


def test_the_documentation_names_the_same_deviations() -> None:
    lines = DOCUMENTATION.read_text(encoding="utf-8").splitlines()
    rows = [line.split("|")[1].strip() for line in lines if line.startswith("|")]
    assert rows[2:] == [deviation.name for deviation in DEVIATIONS]
