"""Refusals of counterfactual replay.

Refusal
├── NotFound            404
│   └── NoSuchCounterfactual      never asked here, or by somebody else
├── Malformed           422
│   └── ChangesRefused            the changes cannot be made; ``wrong`` tells of each of them why
├── Conflict            409
│   └── NotDoneYet                it is still being computed, or has failed
└── TooManyCounterfactuals 503    as many wait as may
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.kernel.refusals import Conflict, Malformed, NotFound, Refusal


class NoSuchCounterfactual(NotFound):
    code = "no_such_counterfactual"


class NotDoneYet(Conflict):
    code = "not_done_yet"


class TooManyCounterfactuals(Refusal):
    status = 503
    code = "too_many_counterfactuals"


class ChangesRefused(Malformed):
    """``wrong``: everything that is wrong, all at once; nothing personal in it."""

    code = "changes_refused"

    def __init__(self, wrong: Sequence[str]) -> None:
        super().__init__(
            f"这些改动无法进行:{';'.join(wrong)}",
            f"these changes cannot be made: {'; '.join(wrong)}",
            wrong=list(wrong),
        )
