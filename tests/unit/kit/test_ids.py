"""Identifiers have the length and alphabet that was asked for, from either source."""

import re
from uuid import UUID

import pytest

from homeport.kit.ids import CountingIds, Ids, RandomIds


@pytest.mark.parametrize("ids", [RandomIds(), CountingIds()], ids=lambda ids: type(ids).__name__)
@pytest.mark.parametrize("digits", [8, 17, 32])
def test_ids_are_lower_case_hex_of_the_length_asked_for(ids: Ids, digits: int) -> None:
    first, second = ids.hex(digits), ids.hex(digits)
    assert re.fullmatch(rf"[0-9a-f]{{{digits}}}", first)
    assert first != second


@pytest.mark.parametrize("ids", [RandomIds(), CountingIds()], ids=lambda ids: type(ids).__name__)
def test_uuids_are_written_with_dashes(ids: Ids) -> None:
    first, second = ids.uuid(), ids.uuid()
    assert str(UUID(first)) == first
    assert first != second


def test_counting_gives_the_same_ids_every_time() -> None:
    one, other = CountingIds(), CountingIds()
    assert [one.hex(8), one.uuid(), one.hex(17)] == [other.hex(8), other.uuid(), other.hex(17)]
