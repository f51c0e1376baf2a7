"""One letter for each kind of post: how the tables kept by hand (who_may.txt, rights.txt) name them."""

from __future__ import annotations

LETTERS = {
    "C": "aid_clerk", "V": "reviewer", "M": "cashier", "A": "approver", "R": "registrar", "T": "class_teacher",
    "H": "helper_teacher", "P": "principal", "W": "township_cadre", "Y": "city_officer", "G": "agency_publisher",
    "U": "auditor", "K": "account_administrator", "S": "service",
}  # fmt: skip


def kinds_of(letters: str) -> frozenset[str]:
    """Raises KeyError for a letter nobody has."""
    return frozenset(LETTERS[letter] for letter in letters)
