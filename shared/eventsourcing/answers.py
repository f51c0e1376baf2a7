"""A refusal kept with its command, so that the same command gets the same answer for ever (nothing personal in it)."""

from __future__ import annotations

from typing import Any

import msgspec

from shared.kernel.refusals import Conflict, Refusal


def keep(refusal: Refusal) -> str:
    """The refusal as JSON text. Facts keep only what JSON can say: ids and dates become text."""
    kept = {
        "code": refusal.code,
        "status": refusal.status,
        "zh": refusal.zh,
        "en": refusal.en,
        "facts": msgspec.to_builtins(refusal.facts, str_keys=True, enc_hook=str),
    }
    return msgspec.json.encode(kept).decode()


def restore(kept: dict[str, Any]) -> Refusal:
    """The refusal again: of its own class where that is still declared, else a Conflict with its code and status."""
    cls = _class_of(kept["code"])
    refusal = cls.__new__(cls)
    Refusal.__init__(refusal, kept["zh"], kept["en"], **kept["facts"])
    if cls.code != kept["code"] or cls.status != kept["status"]:
        vars(refusal).update(code=kept["code"], status=kept["status"])
    return refusal


def _class_of(code: str) -> type[Refusal]:
    waiting: list[type[Refusal]] = [Conflict]
    while waiting:
        cls = waiting.pop()
        if cls.code == code:
            return cls
        waiting.extend(cls.__subclasses__())
    return Conflict
