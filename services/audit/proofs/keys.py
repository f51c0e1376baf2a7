"""The judges of all logs, made from the public keys' file and made anew when that file changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from services.audit.proofs.witnessing import Judge
from shared.transparency.notes import Signer, read_vkeys


class Judges:
    """``sources``: the logs' names. ``file``: everybody's public keys; without it nothing can be judged."""

    def __init__(self, file: Path, sources: Sequence[str], witness: Signer) -> None:
        self._file, self._sources, self._witness = file, tuple(sources), witness
        self._read = ""
        self._judges: dict[str, Judge] = {}

    def __call__(self) -> Mapping[str, Judge]:
        """Service → judge. Raises OSError, KeyUnreadable."""
        text = self._file.read_text("utf-8")
        if text != self._read:
            keys = read_vkeys(text)
            self._judges = {name.rpartition("/")[2]: Judge(name, keys, self._witness) for name in self._sources}
            self._read = text
        return self._judges
