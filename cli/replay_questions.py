"""`./rollcall replay diff | person | why | why-not`: what changed, what is known of one child, and why or why not."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeGuard

import typer

from cli.replay_asking import ask, check_folder, day, explained, given, moment
from cli.replay_files import BUNDLE, WRITERS, save_bundle, sentence, whole
from deploy.errors import StartRefused
from deploy.spec import Installation

if TYPE_CHECKING:
    from cli.session import Session

KnownAt = Annotated[str | None, typer.Option(help="The moment (Shanghai unless a zone is given); default now.")]
TrueOn = Annotated[str | None, typer.Option(help="The day; default that of the moment.")]
Student = Annotated[uuid.UUID, typer.Option(help="The student's id.")]
Out = Annotated[Path | None, typer.Option("--out", help="Write everything to this .json file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print everything for machines.")]


def diff(
    view: Annotated[str, typer.Argument(metavar="VIEW", help="roster, payments, alerts …")],
    from_known_at: Annotated[str | None, typer.Option(help="The earlier moment; default now.")] = None,
    to_known_at: Annotated[str | None, typer.Option(help="The later moment; default now.")] = None,
    from_true_on: Annotated[str | None, typer.Option(help="The earlier day; default that of its moment.")] = None,
    to_true_on: Annotated[str | None, typer.Option(help="The later day; default that of its moment.")] = None,
    student: Annotated[uuid.UUID | None, typer.Option(help="Only what VIEW says about this student.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the changes: .xlsx, .csv, .json, .parquet or .bundle.zip.")
    ] = None,
    with_log: Annotated[bool, typer.Option("--with-log", help="Into a bundle: the events, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """What changed in a view from one moment or day to another, each change with the events that caused it."""
    before = given(known_at=moment(from_known_at, "--from-known-at"), true_on=day(from_true_on, "--from-true-on"))
    after = given(known_at=moment(to_known_at, "--to-known-at"), true_on=day(to_true_on, "--to-true-on"))
    if not before and not after:
        raise typer.BadParameter("give two moments or two days to compare")
    body = given(before=before, after=after, student_id=None if student is None else str(student))
    if _goes_bundled(out, with_log):
        told = _bundled(f"/v1/replay/{view}/difference/bundle", body | {"with_log": with_log}, out)
        typer.echo(json.dumps(told, ensure_ascii=False) if as_json else sentence(told))
        return
    if out is not None:
        check_folder(out)
        if out.suffix not in WRITERS:
            raise typer.BadParameter(f"--out ends in one of {', '.join(WRITERS)} or {BUNDLE}")
    told = _asked(f"/v1/replay/{view}/difference", body)
    items = told.pop("items")
    if out is not None:
        whole(out, lambda draft: WRITERS[out.suffix](draft, told, list(_flat(items))))
    if as_json:
        typer.echo(json.dumps({**told, "items": items}, ensure_ascii=False))
        return
    for side in ("before", "after"):
        each = told[side]
        typer.echo(f"{side}: known at {each['known_at']}, true on {each['true_on']}, {each['count']:,} rows")
    for item in items:
        typer.echo(_change(item))
    typer.echo(f"{told['count']:,} 处变动 changes")


def person(
    student: Student,
    known_at: KnownAt = None,
    true_on: TrueOn = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write everything to this .json or .bundle.zip.")] = None,
    with_log: Annotated[bool, typer.Option("--with-log", help="Into a bundle: the events, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """One student's whole file: what every view says of her, and her events in order; personal fields are masked."""
    body = given(student_id=str(student), known_at=moment(known_at), true_on=day(true_on))
    if _goes_bundled(out, with_log):
        told = _bundled("/v1/person/bundle", body | {"with_log": with_log}, out)
        typer.echo(json.dumps(told, ensure_ascii=False) if as_json else sentence(told))
        return
    told = _kept(_asked("/v1/person", body), out)
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    typer.echo(f"known at {told['known_at']}, true on {told['true_on']}")
    for view, rows in told["views"].items():
        for row in rows:
            typer.echo(f"{view}: " + ", ".join(f"{name}={_short(value)}" for name, value in row.items() if value))
    for event in told["events"]:
        typer.echo(_event(event))


def why(
    event: Annotated[uuid.UUID | None, typer.Option(help="The event of one decision.")] = None,
    student: Annotated[uuid.UUID | None, typer.Option(help="Instead: every decision about this student.")] = None,
    known_at: KnownAt = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Every fact, rule version, model and person behind a decision, or behind every decision about a student."""
    if (event is None) == (student is None):
        raise typer.BadParameter("give --event or --student")
    at = given(known_at=moment(known_at))
    if event is not None:
        decisions = [str(event)]
    else:
        file = _asked("/v1/person", at | {"student_id": str(student)})
        decisions, at = file["decisions"], {"known_at": file["known_at"]}
    found = [_asked("/v1/why", at | {"event_id": each}) for each in decisions]
    _kept({"items": found}, out)
    if as_json:
        typer.echo(json.dumps({"items": found}, ensure_ascii=False))
        return
    for each in found:
        typer.echo("\n".join(_behind(each)))


def why_not(
    student: Student,
    subject: Annotated[str, typer.Option("--of", help="aid, link or alert.")] = "aid",
    known_at: KnownAt = None,
    true_on: TrueOn = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """What a student would have to have for aid, a link or an alert, and the first thing that is missing."""
    if subject not in ("aid", "link", "alert"):
        raise typer.BadParameter("--of is aid, link or alert")
    body = given(student_id=str(student), subject=subject, known_at=moment(known_at), true_on=day(true_on))
    told = _kept(_asked("/v1/why-not", body), out)
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    for step in told["steps"]:
        mark = "✓" if step["there"] else "✗"
        typer.echo(f"{mark} {step['zh']} {step['en']} ({step['view']}) {'; '.join(step['reasons'])}".rstrip())
    for rules in told["rules"]:
        typer.echo(f"{rules['view']} {rules['content_hash'][:16]} since {rules['valid_from']}")
    typer.echo(f"missing: {told['missing'] or 'nothing'}")


def _asked(path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Raises StartRefused with the reason in one line."""
    return _with_session(lambda session: ask(session, path, body))


def _goes_bundled(out: Path | None, with_log: bool) -> TypeGuard[Path]:
    """Whether the answer goes into a bundle. Raises typer.BadParameter when only a bundle could hold the log."""
    bundled = out is not None and out.name.endswith(BUNDLE)
    if with_log and not bundled:
        raise typer.BadParameter(f"--with-log goes with --out F{BUNDLE}")
    return bundled


def _bundled(path: str, body: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Raises StartRefused with the reason in one line, typer.BadParameter."""
    check_folder(out)
    told = _with_session(lambda session: save_bundle(session, path, body, out))
    return told | {"file": str(out)}


def _with_session(work: Callable[[Session], dict[str, Any]]) -> dict[str, Any]:
    from cli.session import Refused, Session

    try:
        with Session(Installation.from_environment(), "auditor") as session:
            return work(session)
    except Refused as refused:
        raise StartRefused(explained(refused)) from refused


def _kept(told: dict[str, Any], out: Path | None) -> dict[str, Any]:
    if out is not None:
        check_folder(out)
        whole(out, lambda draft: draft.write_text(json.dumps(told, ensure_ascii=False, sort_keys=True) + "\n", "utf-8"))
    return told


def _flat(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """One row per field that changed, for a sheet."""
    for item in items:
        causes = ", ".join(f"{cause['service']} {cause['log_index']} {cause['type']}" for cause in item["causes"])
        ids = ", ".join(cause["event_id"] for cause in item["causes"])
        for field in item["fields"]:
            yield {**item["key"], "kind": item["kind"], **field, "causes": causes, "cause_event_ids": ids}


def _change(item: Mapping[str, Any]) -> str:
    key = ", ".join(f"{name}={value}" for name, value in item["key"].items())
    fields = "; ".join(f"{f['field']}: {_short(f['before'])} → {_short(f['after'])}" for f in item["fields"])
    causes = ", ".join(f"{cause['type']} #{cause['log_index']}" for cause in item["causes"])
    return f"{item['kind']} {key}: {fields if item['kind'] == 'changed' else ''} [{causes}]"


def _behind(found: Mapping[str, Any]) -> Iterator[str]:
    ties: dict[str, set[str]] = {}
    for ground in found["grounds"]:
        ties.setdefault(ground["by"], set()).add(ground["tie"])
    yield _event(found["decision"])
    for event in found["events"]:
        yield f"  {', '.join(sorted(ties.get(event['event_id'], ())))}: {_event(event)}"
    yield f"  people: {', '.join(found['people']) or '–'}{'' if found['complete'] else ' (cut: too many events)'}"


def _event(event: Mapping[str, Any]) -> str:
    place = f"{event['service']} #{event['log_index']}"
    return f"{event['recorded_at']} {event['type']} ({place}) by {event['principal']}, {event['event_id']}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"
