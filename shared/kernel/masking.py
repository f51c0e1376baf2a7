"""Masks for what identifies a person (domain.md §11): 张*明, 4405**********0014, 138****5678."""

from __future__ import annotations


def mask_name(name: str | None) -> str:
    """Keep the first character, and the last one of a name of three or more; one star for each hidden character."""
    if not name:
        return ""
    if len(name) <= 2:
        return name[:1] + "*" * (len(name) - 1) if len(name) > 1 else "*"
    return name[0] + "*" * (len(name) - 2) + name[-1]


def mask_number(number: str | None) -> str:
    """Identity, student and certificate numbers: the first four and the last four characters stay."""
    if not number:
        return ""
    if len(number) <= 8:
        return "*" * len(number)
    return number[:4] + "*" * (len(number) - 8) + number[-4:]


def mask_phone(phone: str | None) -> str:
    """The first three and the last four digits stay; anything shorter than eight is hidden whole."""
    if not phone:
        return ""
    if len(phone) < 8:
        return "*" * len(phone)
    return phone[:3] + "*" * (len(phone) - 7) + phone[-4:]


def mask_address(address: str | None) -> str:
    """The first six characters (down to about the county) stay, and no count of what follows is given away."""
    if not address:
        return ""
    return address[:6] + "****" if len(address) > 6 else "****"
