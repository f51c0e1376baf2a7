"""`./rollcall verify witness`: follow the logs of a running system as a witness of one's own, with one's own key.

Any agency can do this on its own machine. The folder holds everything: the key (0600, made at the first run), the last
checkpoint of each log as this witness cosigned it, and, should a log ever turn out to be rewritten, the note that
proves it.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.verify_proofs import Keys, check_consistency, opened_note, read_keys
from deploy.errors import StartRefused
from deploy.spec import SERVICES, Installation

if TYPE_CHECKING:
    from cli.session import Session
    from shared.transparency.notes import Signer, Verifier

SEED_BYTES = 32
_NAME = re.compile(r"[^\s+]{1,100}")


def register(group: typer.Typer) -> None:
    """Add the command to `verify`."""
    group.command()(witness)


def witness(
    keys: Keys,
    folder: Annotated[Path, typer.Option("--folder", help="Where key, notes and evidence are kept.")],
    name: Annotated[str, typer.Option("--name", help="This witness's name, e.g. audit.example.gov/witness.")],
    every: Annotated[float, typer.Option("--every", min=1.0, help="Seconds between two looks.")] = 60.0,
    once: Annotated[bool, typer.Option("--once", help="Look once and end.")] = False,
) -> None:
    """Check again and again that every log only grows, and cosign what is so; ends, with the reason, when one does
    not."""
    from cli.session import Session
    from shared.transparency.notes import COSIGNATURE_KIND, Signer

    if not _NAME.fullmatch(name):
        raise typer.BadParameter("a name has no blanks and no plus")
    verifiers = read_keys(keys)
    signer = Signer(name, COSIGNATURE_KIND, _seed(folder))
    typer.echo(f"this witness's key: {signer.verifier.vkey()}")
    with Session(Installation.from_environment(), "auditor") as session:
        while True:
            for service in SERVICES:
                typer.echo(look(session, service, verifiers, signer, folder))
            if once:
                return
            time.sleep(every)


def look(session: Session, service: str, verifiers: list[Verifier], signer: Signer, folder: Path) -> str:
    """One log, once: what was found, as a line. Raises StartRefused when it was rewritten; then the note stays in the
    folder as evidence."""
    from cli.session import Refused
    from shared.transparency.answers import ConsistencyProof
    from shared.transparency.checkpoints import cosigned

    kept, evidence = folder / f"{service}.note", folder / f"{service}.disputed.note"
    try:
        note = session.download(service, "/v1/log/checkpoint").decode()
    except Refused as refused:
        if refused.code == "nothing_signed":
            return f"{service}: nothing is signed yet"
        raise
    new = opened_note(note, verifiers, service)
    if kept.exists():
        old = opened_note(kept.read_text("utf-8"), verifiers, str(kept))
        if new.checkpoint == old.checkpoint:
            return f"{service}: {new.checkpoint.size:,} events, as before"
        try:
            if new.checkpoint.size <= old.checkpoint.size:
                raise StartRefused(f"{service} now signs another tree over {new.checkpoint.size} events")
            asked = {"from": str(old.checkpoint.size), "to": str(new.checkpoint.size)}
            answer = session.download(service, "/v1/log/proof/consistency", **asked)
            check_consistency(ConsistencyProof.model_validate_json(answer), old, new)
        except StartRefused as broken:
            evidence.write_text(note, "utf-8")
            raise StartRefused(f"{service}: {broken}; the note is kept in {evidence}") from broken
    draft = kept.with_suffix(".draft")
    draft.write_text(cosigned(note, signer, int(time.time())), "utf-8")
    draft.replace(kept)
    return f"{service}: {new.checkpoint.size:,} events, cosigned"


def _seed(folder: Path) -> bytes:
    """This witness's own seed, made once. Raises StartRefused."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "witness.key"
    if not file.exists():
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(SEED_BYTES))
    if file.stat().st_mode & 0o077:
        raise StartRefused(f"{file} can be read by others; run: chmod 600 {file}")
    seed = file.read_bytes()
    if len(seed) != SEED_BYTES:
        raise StartRefused(f"{file} is no key of a witness")
    return seed
