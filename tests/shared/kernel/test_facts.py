from __future__ import annotations

import pytest

from shared.kernel.facts import Fact, Personal, UnknownFactType, fact, fact_type, fact_types, personal_fields
from tests.support.trial import PupilJoined, PupilMoved, PupilPersonal


def test_a_fact_is_known_by_class_and_by_name() -> None:
    assert fact_type(PupilJoined).name == "trial.PupilJoined.v1"
    assert fact_type("trial.PupilJoined.v1").cls is PupilJoined
    assert fact_type(PupilJoined) in fact_types("trial")


def test_personal_blocks_are_found_by_type() -> None:
    assert personal_fields(PupilJoined) == {"personal": PupilPersonal}
    assert personal_fields(PupilMoved) == {}


def test_a_personal_block_that_could_not_be_erased_is_refused() -> None:
    class Careless(Fact, frozen=True, kw_only=True):
        personal: PupilPersonal

    with pytest.raises(TypeError, match=r"Block \| None"):
        personal_fields(Careless)


def test_a_type_name_has_one_class() -> None:
    class Joined(Personal, frozen=True, kw_only=True):
        pass

    with pytest.raises(ValueError, match="declared twice"):

        @fact("trial")
        class PupilJoined(Fact, frozen=True, kw_only=True):
            pass


def test_an_unknown_type_is_named() -> None:
    with pytest.raises(UnknownFactType, match=r"nobody\.Knows\.v9"):
        fact_type("nobody.Knows.v9")
