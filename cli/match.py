"""`./rollcall match`: the clerk's matching macro, replaced. Files in, files out, no server."""

from __future__ import annotations

import gc
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn
from zoneinfo import ZoneInfo

import typer

REFUSED_STATUS = 1
USAGE_STATUS = 2

STAGE_MARK = "stage: "  # before each line of --stages
_UNNAMED = "list"

Paths = list[Path]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("match")(match_command)


def match_command(
    students: Annotated[
        Paths, typer.Option("--students", help="学籍名册 school register, xlsx, xls or csv; repeatable.")
    ],
    out: Annotated[Path, typer.Option("--out", help="结果文件夹 folder for the results.")],
    poverty: Annotated[Paths | None, typer.Option("--poverty", help="建档立卡名单 registered-poor list.")] = None,
    civil: Annotated[Paths | None, typer.Option("--civil", help="低保、特困名单 civil-affairs list.")] = None,
    disability: Annotated[Paths | None, typer.Option("--disability", help="残疾人证名单 disability list.")] = None,
    any_list: Annotated[
        Paths | None, typer.Option("--list", help="名单,自动识别 a list, recognised by itself.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option("--model", help="匹配模型文件 the county's own model; default the shipped one.")
    ] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="认定基准日 reference date, YYYY-MM-DD.")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="打印 summary.json print the summary as JSON.")] = False,
    stages: Annotated[bool, typer.Option("--stages", help="逐行报告进度 each stage as a line, for a program.")] = False,
) -> None:
    """匹配学籍与各部门名单,生成困难学生名册 match the register with agency lists, without a server."""
    lists = {"poverty": poverty or [], "civil": civil or [], "disability": disability or []}
    unnamed = any_list or []
    if not unnamed and not any(lists.values()):
        _usage("至少要给出一份名单", "at least one of --poverty, --civil, --disability, --list is needed")
    from services.matching.errors import ModelUnusable
    from shared.tabular.errors import TabularError

    gc.disable()  # one run, no cycles: collecting over millions of cells is a sixth of the time
    progress = _stage_line if stages else _progress()
    try:
        content = match_files(students, lists, out, _day(as_of), progress, unnamed, model)
    except (TabularError, ModelUnusable, OSError) as refused:
        zh, en = _texts(refused)
        progress("")
        sys.stderr.write(f"未生成任何结果:{zh}\nrefused: {en}\n")
        raise typer.Exit(REFUSED_STATUS) from refused
    progress("")
    sys.stdout.write(json.dumps(content, ensure_ascii=False, indent=2) + "\n" if json_output else _report(content, out))


def match_files(
    students: Paths,
    lists: dict[str, Paths],
    out: Path,
    as_of: date,
    progress: Callable[[str], None],
    unnamed: Sequence[Path] = (),
    model: Path | None = None,
) -> dict[str, Any]:
    """Match and write everything, or nothing: the results appear in `out` only when all are complete.

    `unnamed` are lists whose kind is recognised once they are open (match_kinds). `model`: a file of the county's own
    model, as its installation serves it; the shipped one decides without it.
    Returns the content of summary.json. Raises a TabularError, ModelUnusable or OSError.
    """
    from cli.match_engine import match
    from cli.match_files import summary, write_categories, write_links, write_summary
    from cli.match_kinds import kind_of
    from cli.match_sheets import write_people_files
    from services.matching.ladder import DEFAULT_RULES, Rules
    from services.matching.model_change import usable
    from services.matching.scoring import scorer
    from services.registry.sheets.lists import LIST_NAMES
    from services.registry.sheets.sheet_files import REGISTER, open_inputs

    rules = DEFAULT_RULES if model is None else Rules(scorer(usable(model.read_bytes())))
    if out.exists() and not out.is_dir():
        raise FileExistsError(f"{out} is a file")
    progress("打开文件 opening")
    opened = open_inputs({REGISTER: students, **{kind: lists[kind] for kind in LIST_NAMES}, _UNNAMED: unnamed})
    for file in opened.pop(_UNNAMED, []):
        file.kind = kind_of(file)
        opened.setdefault(file.kind, []).append(file)
    inputs = [file for files in opened.values() for file in files]
    list_files = {kind: opened[kind] for kind in LIST_NAMES if kind in opened}
    result = match(opened[REGISTER], list_files, as_of, progress, rules)
    content = summary(result, inputs)
    with _Staging(out) as staging:
        progress("写出结果 writing")
        write_links(result, staging.path / "links.csv")
        write_categories(result, staging.path / "categories.csv")
        write_summary(content, staging.path / "summary.json")
        write_people_files(result, inputs, staging.path)
        staging.publish()
    return content


class _Staging:
    """A folder beside the target in which files become complete; `publish` moves them, leaving removes the rest."""

    def __init__(self, out: Path) -> None:
        self._out = out.absolute()
        parent = next(folder for folder in self._out.parents if folder.is_dir())
        self.path = Path(tempfile.mkdtemp(prefix=".match-", dir=parent))

    def __enter__(self) -> _Staging:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def publish(self) -> None:
        if not self._out.exists():
            self._out.parent.mkdir(parents=True, exist_ok=True)
            self.path.chmod(0o755)
            self.path.rename(self._out)
            return
        shutil.rmtree(self._out / "annotated", ignore_errors=True)
        for file in sorted(self.path.iterdir()):
            file.replace(self._out / file.name)


def _day(text: str | None) -> date:
    if text is None:
        return datetime.now(ZoneInfo("Asia/Shanghai")).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        _usage(f"日期 {text} 应写成 2026-09-01 的形式", f"--as-of {text} is not a date like 2026-09-01")


def _usage(zh: str, en: str) -> NoReturn:
    sys.stderr.write(f"{zh}\nusage: {en}\n")
    raise typer.Exit(USAGE_STATUS)


def _texts(error: Exception) -> tuple[str, str]:
    if not isinstance(error, OSError):
        return getattr(error, "zh", ""), getattr(error, "en", str(error))
    reason = error.strerror or str(error)
    return f"无法读写文件({reason})", f"a file cannot be read or written ({reason}: {error.filename or ''})"


def _progress() -> Callable[[str], None]:
    """On a terminal one line that changes; elsewhere silence."""
    if not sys.stderr.isatty():
        return lambda _: None

    def show(stage: str) -> None:
        sys.stderr.write(f"\r\x1b[K{stage}")
        sys.stderr.flush()

    return show


def _stage_line(stage: str) -> None:
    if stage:
        sys.stderr.write(f"{STAGE_MARK}{stage}\n")
        sys.stderr.flush()


def _report(content: dict[str, Any], out: Path) -> str:
    from services.matching.categories import CATEGORIES_ZH
    from services.matching.outcome import STATES_ZH, State

    lines = [f"基准日 {content['as_of']},学籍 {content['register']['rows']} 人,名单 {content['list_rows']} 行"]
    lines += [f"  {STATES_ZH[State(state)]} {state}: {count}" for state, count in content["states"].items()]
    lines.append(f"困难学生 students in a category: {content['students_in_category']}")
    lines += [f"  {CATEGORIES_ZH.get(name, name)} {name}: {count}" for name, count in content["categories"].items()]
    missing = content["school_age_not_in_register"]
    lines.append(f"义务教育年龄而学籍中未找到 of school age, not in the register: {missing}")
    lines.append(f"结果 results: {out}")
    return "\n".join(lines) + "\n"


def main() -> None:
    """`python -m cli.match`: this command alone."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    register(app)
    app()


if __name__ == "__main__":
    main()
