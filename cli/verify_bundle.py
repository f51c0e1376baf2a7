"""`./rollcall verify bundle FILE --keys FILE`: checks a replay's bundle offline, with nothing but these two files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from deploy.errors import StartRefused


def bundle(
    file: Annotated[Path, typer.Argument(help="Written by: rollcall replay VIEW --out F.bundle.zip")],
    keys: Annotated[Path, typer.Option("--keys", help="Public keys, one a line (public-keys.txt).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result for machines.")] = False,
) -> None:
    """Check that a replay's answer is the one audit signed, on logs that their services signed."""
    from services.audit.replays.bundle_checking import BundleBroken, check_bundle
    from shared.transparency.notes import KeyUnreadable, read_vkeys

    for each in (file, keys):
        if not each.is_file():
            raise typer.BadParameter(f"there is no file {each}")
    try:
        known = read_vkeys(keys.read_text("utf-8"))
    except (KeyUnreadable, UnicodeDecodeError) as broken:
        raise StartRefused(f"{keys.name}: {broken}") from broken
    try:
        found = check_bundle(file.read_bytes(), known)
    except BundleBroken as broken:
        raise StartRefused(f"{file.name} does not hold together: {broken}") from broken
    answer = found.answer
    told = {
        "view": answer.asked.view,
        "known_at": answer.asked.known_at,
        "true_on": answer.asked.true_on,
        "rows": answer.rows,
        "hash": answer.result,
        "log_index": {service: cut.log_index for service, cut in answer.logs.items()},
        "checkpoints": found.checkpoints,
        "witnesses": found.witnesses,
        "logs_checked": found.logs_checked,
        "code": answer.code,
    }
    typer.echo(json.dumps(told, ensure_ascii=False) if as_json else _sentence(told))


def _sentence(told: dict[str, object]) -> str:
    logs, sizes = told["log_index"], told["checkpoints"]
    assert isinstance(logs, dict) and isinstance(sizes, dict)
    cuts = ", ".join(f"{service} {index:,} (signed {sizes[service]:,})" for service, index in logs.items())
    checked = told["logs_checked"]
    leaves = f"\nevery leaf checked: {', '.join(checked)}" if isinstance(checked, list) and checked else ""
    return (
        f"{told['view']}: {told['rows']:,} 行 rows, verified\n"
        f"截至此刻已掌握 known at {told['known_at']} ({cuts})\n"
        f"以此日为准 true on {told['true_on']}{leaves}\nSHA-256 {told['hash']}"
    )
