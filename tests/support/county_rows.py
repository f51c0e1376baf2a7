"""Rows that the invented county of the page's tests shows."""

from __future__ import annotations

from typing import Any

# A child who was on the poverty register, left it, and is covered by her household since.
CATEGORIES: list[dict[str, Any]] = [
    {
        "valid_from": "2019-09-01", "valid_to": "2025-07-01", "category": "registered_poor", "kind": "脱贫户",
        "on_day": False, "evidence": [{"list": "poverty", "kind": "脱贫户", "valid_from": "2016-03-01"}],
    },
    {
        "valid_from": "2025-09-01", "valid_to": None, "category": "subsistence_rural", "kind": "农村低保",
        "on_day": True, "evidence": [{"list": "civil", "kind": "农村低保", "valid_from": "2025-01-01"}],
    },
]  # fmt: skip
