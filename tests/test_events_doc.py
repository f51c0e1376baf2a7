"""docs/events.md and docs/asyncapi say exactly what is declared."""

from __future__ import annotations

from cli.events_doc import declared, files


def test_what_is_generated_is_what_the_declarations_say() -> None:
    stale = [path.name for path, text in files().items() if path.read_text("utf-8") != text]
    assert not stale, f"{stale} are stale: run python -m cli.events_doc"


def test_every_fact_is_explained() -> None:
    assert [known.name for known in declared() if not (known.cls.__doc__ or "").strip()] == []
