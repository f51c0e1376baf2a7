"""Why somebody needs to see full fields: kept for ever, so it names nobody."""

from __future__ import annotations

import re

from shared.kernel.refusals import Malformed

_ANY_NUMBER = re.compile(r"\d{6}")


def check_purpose(purpose: str) -> None:
    """Raises Malformed for a purpose that holds a number of somebody."""
    if _ANY_NUMBER.search(purpose):
        raise Malformed("事由中请不要写号码", "A purpose holds no number of anybody", field="purpose")


def check_note(note: str) -> None:
    """Raises Malformed for a note that holds a number of somebody."""
    if _ANY_NUMBER.search(note):
        raise Malformed("备注中请不要写号码", "A note holds no number of anybody", field="note")
