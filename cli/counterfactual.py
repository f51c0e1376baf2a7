"""`./rollcall counterfactual`: who would have been due what, had a list or a rule been otherwise. Nothing of it touches
what is recorded.

The changes stand in a TOML file, or in options::

    [[change]]
    what = "move"                # a late list, put where it should have been
    submission = "0190…"
    to = 2025-09-05
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.replay_asking import explained, given, moment, patiently
from deploy.errors import StartRefused
from deploy.spec import Installation

if TYPE_CHECKING:
    from cli.session import Session

PATH = "/v1/counterfactuals"
POLL_SECONDS = 0.5
_FEN_IN_YUAN = 100
Each = list[str] | None


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(counterfactual)


def counterfactual(
    out: Annotated[Path | None, typer.Option("--out", help="The file: .xlsx to print and sign, or .json.")] = None,
    changes: Annotated[Path | None, typer.Option("--changes", help="What is otherwise, a TOML file.")] = None,
    move: Annotated[Each, typer.Option(metavar="SUBMISSION=DATE", help="A list came on that day.")] = None,
    redate: Annotated[Each, typer.Option(metavar="SUBMISSION=DATE", help="A list is true on that day.")] = None,
    leave_out: Annotated[Each, typer.Option(metavar="SUBMISSION", help="A list never came.")] = None,
    replace: Annotated[Each, typer.Option(metavar="SUBMISSION=FILE", help="A list held these rows.")] = None,
    rules: Annotated[
        Each,
        typer.Option(
            metavar="PROGRAMME=VERSION|FILE[@DATE]",
            help="From DATE on a programme followed another version: one once in force, by its hash, or a JSON file.",
        ),
    ] = None,
    known_at: Annotated[str | None, typer.Option(help="The moment (Shanghai unless a zone is given).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole answer for machines.")] = False,
) -> None:
    """Run matching and disbursement again with something changed, and show what differs by school and child."""
    from cli.session import Refused, Session

    if out is not None and (out.suffix not in (".xlsx", ".json") or not out.parent.is_dir()):
        raise typer.BadParameter("--out names an .xlsx or a .json in a folder that exists")
    told, files = [] if changes is None else _from_toml(changes), {}
    told += _from_options(move, redate, leave_out, replace, rules)
    if not told:
        raise typer.BadParameter("say what is otherwise: --changes FILE, --move, --leave-out …")
    for each in told:
        if path := each.get("file"):
            files[Path(path).name] = base64.b64encode(_read(Path(path))).decode()
            each["file"] = Path(path).name
    body = given(changes=told, known_at=moment(known_at)) | {"files": files}
    with Session(Installation.from_environment(), "auditor") as session:
        try:
            path = f"{PATH}/{_done(session, body)}"
            if out is not None and out.suffix == ".xlsx":
                out.write_bytes(session.download("audit", f"{path}/sheet"))
            answer = session.get("audit", f"{path}/answer")
        except Refused as refused:
            raise StartRefused(explained(refused)) from refused
    text = json.dumps(answer, ensure_ascii=False, sort_keys=True)
    if out is not None and out.suffix == ".json":
        out.write_text(text + "\n", "utf-8")
    typer.echo(text if as_json else _table(answer))


def _done(session: Session, body: dict[str, Any]) -> str:
    """The id once it is answered; how far it is goes to standard error. Raises StartRefused."""
    command = uuid.uuid4()
    begun = patiently(body, lambda: session.post("audit", PATH, body, command))
    counterfactual_id, shown = str(begun["counterfactual_id"]), ""
    while True:
        one = session.get("audit", f"{PATH}/{counterfactual_id}")
        if one["state"] == "done":
            return counterfactual_id
        if one["state"] == "refused":
            raise StartRefused("\n".join(one["wrong"]["facts"].get("wrong", [one["wrong"]["zh"]])))
        if one["state"] == "failed":
            raise StartRefused("the counterfactual failed or its process ended; ask again")
        line = f"{one['rerun'] or one['state']}: {one['fed']:,} / {one['expected']:,}"
        if line != shown:
            typer.echo(line, err=True)
            shown = line
        time.sleep(POLL_SECONDS)


def _from_toml(path: Path) -> list[dict[str, Any]]:
    """The changes of a file; files they name lie beside it. Raises StartRefused."""
    import tomllib

    try:
        told = tomllib.loads(_read(path).decode()).get("change", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise StartRefused(f"{path}: {broken}") from broken
    if not isinstance(told, list) or not all(isinstance(each, dict) for each in told):
        raise StartRefused(f"{path}: changes are tables [[change]]")
    found = []
    for each in told:
        change = {name: value.isoformat() if isinstance(value, date) else value for name, value in each.items()}
        for name in ("file", "content"):
            if name in change:
                change[name] = str(path.parent / str(change[name]))
        found.append(_with_content(change))
    return found


def _from_options(move: Each, redate: Each, leave_out: Each, replace: Each, rules: Each) -> list[dict[str, Any]]:
    """Raises typer.BadParameter, StartRefused."""
    found: list[dict[str, Any]] = []
    found += [{"what": "move", "submission": one, "to": other} for one, other in _pairs("--move", move)]
    found += [{"what": "redate", "submission": one, "dated": other} for one, other in _pairs("--redate", redate)]
    found += [{"what": "leave_out", "submission": one} for one in leave_out or ()]
    found += [{"what": "replace", "submission": one, "file": other} for one, other in _pairs("--replace", replace)]
    for programme, other in _pairs("--rules", rules):
        version, at, since = other.rpartition("@")
        version, since = (version, since) if at else (other, "")
        name = "content" if Path(version).suffix == ".json" else "version"
        change = {"what": "rules", "programme": programme, name: version}
        found.append(_with_content(change | ({"since": since} if since else {})))
    return found


def _with_content(change: dict[str, Any]) -> dict[str, Any]:
    """``content`` names a file; what stands in it travels."""
    if "content" in change:
        return change | {"content": _read(Path(change["content"])).decode("utf-8", "replace")}
    return change


def _pairs(option: str, told: Each) -> list[tuple[str, str]]:
    pairs = [each.partition("=") for each in told or ()]
    for one, is_there, other in pairs:
        if not (one and is_there and other):
            raise typer.BadParameter(f"{option} {one!r}: two parts with = between them")
    return [(one, other) for one, _, other in pairs]


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise StartRefused(f"there is no file {path}")
    return path.read_bytes()


def _table(answer: dict[str, Any]) -> str:
    clean = "clean" if answer["clean"] else f"NOT clean: {answer['deviating']} deviate"
    lines = [f"{answer['count']} differ of {answer['entitlements']} · control {clean} · SHA-256 {answer['hash']}"]
    lines += [f"  {note}" for note in answer["notes"]]
    for title, totals in (("school", answer["schools"]), ("agencies", answer["agencies"])):
        lines.append(f"{title:24} {'children':>8} {'real':>12} {'would be':>12} {'more':>12} {'less':>12}")
        for each in totals:
            money = " ".join(
                f"{each[name] / _FEN_IN_YUAN:12,.2f}" for name in ("real_fen", "would_fen", "more_fen", "less_fen")
            )
            lines.append(f"{each['name']:24} {each['children']:8} {money}")
    lines.append("student\tterm\tschool\treal\twould be\twhy")
    for row in answer["children"]:
        fen = [f"{row[name] / _FEN_IN_YUAN:.2f}" for name in ("real_fen", "would_fen")]
        why = ",".join(dict.fromkeys(reason["code"] for reason in row["reasons"]))
        lines.append("\t".join([row["student_id"], row["term"], row["school_code"], *fen, why]))
    return "\n".join(lines)
