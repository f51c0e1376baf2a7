"""The public keys of an installation in one file that people can copy: whoever has it verifies without us.

One vkey a line (c2sp.org/signed-note). Keys that were replaced stay in the file: what they signed is verified by them.
"""

from __future__ import annotations

import os
from pathlib import Path

from deploy.secrets import Secrets
from deploy.spec import SERVICES
from shared.hosting.settings import PUBLIC_KEYS_FILE
from shared.transparency.checkpoints import log_signers, witness_name
from shared.transparency.notes import COSIGNATURE_KIND, Signer, read_vkeys

HEADER = "# Public keys of the logs of this installation, and of its witness. Copy them by a way you trust.\n"


def publish(home: Path, division: str, secrets: Secrets) -> Path:
    """Write the keys of today behind those of before; the file. Raises SecretMissing, SecretUnreadable."""
    signers: list[Signer] = []
    for service in (*SERVICES, "audit"):
        signers += log_signers(f"//rollcall/{division}/{service}", [secrets.bytes(f"log-{service}")])
    signers.append(Signer(witness_name(division), COSIGNATURE_KIND, secrets.bytes("witness")))
    file = home / PUBLIC_KEYS_FILE
    known = read_vkeys(file.read_text("utf-8")) if file.exists() else []
    fresh = [signer.verifier for signer in signers if signer.verifier not in known]
    if fresh:
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        draft.write_text(HEADER + "".join(f"{each.vkey()}\n" for each in (*known, *fresh)), "utf-8")
        draft.replace(file)
    return file
