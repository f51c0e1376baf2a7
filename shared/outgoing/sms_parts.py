"""How many parts an SMS is sent and paid in (3GPP TS 23.038, 23.040): 160 characters of the GSM alphabet or 70 of any
other in one part; joined parts carry a header each, which leaves 153 or 67."""

from __future__ import annotations

from collections.abc import Iterable

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPED = frozenset("\f^{}\\[~]|€")  # two places each
GSM_ALONE, GSM_JOINED = 160, 153
UCS2_ALONE, UCS2_JOINED = 70, 67


def part_count(text: str) -> int:
    """Parts of ``text``, 1 for an empty one. One character outside the GSM alphabet makes all of it UCS-2, where a
    character beyond the basic plane takes two places; what takes two places is never cut in between."""
    if all(each in _BASIC or each in _ESCAPED for each in text):
        return _filled([2 if each in _ESCAPED else 1 for each in text], GSM_ALONE, GSM_JOINED)
    return _filled([2 if ord(each) > 0xFFFF else 1 for each in text], UCS2_ALONE, UCS2_JOINED)


def _filled(places: Iterable[int], alone: int, joined: int) -> int:
    every = list(places)
    if sum(every) <= alone:
        return 1
    parts, used = 1, 0
    for width in every:
        if used + width > joined:
            parts, used = parts + 1, 0
        used += width
    return parts
