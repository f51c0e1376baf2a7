"""Small mistakes made in a module on purpose: each must make one of its tests fail.

cosmic-ray's operators (comparisons, arithmetic, and/or/not, numbers, decorators, exceptions, loops), and what it has no
operator for: an element of a table left out, a name changed, a statement or a named argument left out, nothing
returned, and a word of SQL turned round. What changes only an annotation or a docstring is no mutant.
"""

from __future__ import annotations

import ast
import copy
import difflib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

# The first two want to be told names; the third cannot change a tuple of exceptions, whose elements are ours to leave
# out; the last four differ from what stands there only by how Python keeps equal values.
LEFT_ASIDE = {
    *("VariableReplacer", "VariableInserter", "ExceptionReplacer"),
    *("ReplaceComparisonOperator_Eq_Is", "ReplaceComparisonOperator_NotEq_IsNot"),
    *("ReplaceComparisonOperator_Is_Eq", "ReplaceComparisonOperator_IsNot_NotEq"),
}
# A Chinese or an English sentence is told to people or to the log; nothing is decided by it.
NAME = re.compile(r"[\x21-\x7e]+")
SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|AND|USING|current_setting)\b")
# Words of SQL and what stands in their place; each place where one is found is a mutant.
TURNED = (
    *((" AND ", " OR "), (" OR ", " AND "), (" = ", " <> "), (" <= ", " < "), (" > ", " >= "), (" < ", " >= ")),
    *((" + 1", " - 1"), ("^@", "<>"), (" IN ", " NOT IN "), (", true)", ", false)"), ("(true)", "(false)")),
    *(("ENABLE", "DISABLE"), ("FORCE", "NO FORCE"), (" FOR UPDATE", ""), ("now()", "now() + interval '1 day'")),
)
SHOWN = 60  # characters of a change before and behind


class Mutant(NamedTuple):
    """``name``: what was changed into what, free of line numbers. ``code``: the whole module."""

    line: int
    name: str
    code: str


class _Bare(ast.NodeTransformer):
    """A module without annotations and docstrings: they decide nothing while it runs."""

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Name("object", ast.Load())
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self._documented(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        return self._documented(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._documented(node)

    def visit_Module(self, node: ast.Module) -> ast.AST:
        return self._documented(node)

    def _documented(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module) -> ast.AST:
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            first.value.value = ""
        return self.generic_visit(node)


def mutants(path: Path) -> list[Mutant]:
    """Every mutant of a module, each once, in the order of its lines. Raises SyntaxError for what is no Python."""
    source = path.read_text(encoding="utf-8")
    plain = bare(source)
    found: dict[str, Mutant] = {}
    for line, code in (*_of_cosmic_ray(source), *_of_our_own(source)):
        try:
            compile(code, str(path), "exec")
        except SyntaxError:  # an operator of the library that does not fit where it was put
            continue
        changed = bare(code)
        if changed != plain and changed not in found:
            found[changed] = Mutant(line, _name(plain, changed), code)
    return sorted(found.values(), key=lambda each: each.line)


def bare(source: str) -> str:
    """A module as it runs: without comments, annotations, docstrings."""
    return ast.unparse(ast.fix_missing_locations(_Bare().visit(ast.parse(source))))


def _of_cosmic_ray(source: str) -> Iterator[tuple[int, str]]:
    from cosmic_ray.ast import ast_nodes, get_ast  # comes with what the tests need
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.operators.provider import OperatorProvider

    operators = OperatorProvider()
    tree = get_ast(source)
    for name in operators:
        if name in LEFT_ASIDE:
            continue
        operator = operators[name]()
        places = [place for node in ast_nodes(tree) for place in operator.mutation_positions(node)]
        for number, ((line, _), _) in enumerate(places):
            code = mutate_code(source, operator, number)
            if code is not None and not _only_how_called(code):
                yield line, code


def _only_how_called(code: str) -> bool:
    """Whether the ``*`` of a signature was taken for a multiplication."""
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return False
    return any(isinstance(node, ast.arguments) and node.posonlyargs for node in ast.walk(tree))


def _of_our_own(source: str) -> Iterator[tuple[int, str]]:
    tree = _Bare().visit(ast.parse(source))
    inside = {id(each) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
              for each in ast.walk(node) if each is not node}  # fmt: skip
    for number, node in enumerate(ast.walk(tree)):
        for change in _changes(node, id(node) in inside):
            changed = copy.deepcopy(tree)
            change(next(each for place, each in enumerate(ast.walk(changed)) if place == number))
            yield getattr(node, "lineno", 1), ast.unparse(ast.fix_missing_locations(changed))


Change = Callable[[ast.AST], None]


def _changes(node: ast.AST, in_function: bool) -> Iterator[Change]:
    if isinstance(node, ast.Set | ast.List | ast.Tuple | ast.Dict):
        for place in range(len(node.keys if isinstance(node, ast.Dict) else node.elts)):
            yield _without(place)
    elif isinstance(node, ast.Call):
        yield from (_without_keyword(place) for place in range(len(node.keywords)))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from (_said(text) for text in _texts(node.value))
    elif isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield _nothing_returned
    if in_function and hasattr(node, "body") and isinstance(node.body, list):
        yield from (_left_out(place) for place, each in enumerate(node.body) if _acts(each))


def _acts(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Assign | ast.AugAssign | ast.Raise) or (
        isinstance(statement, ast.Expr) and not isinstance(statement.value, ast.Constant)
    )


def _texts(text: str) -> Iterator[str]:
    if SQL.search(text):
        for word, other in TURNED:
            for place in re.finditer(re.escape(word), text):
                yield text[: place.start()] + other + text[place.end() :]
    elif NAME.fullmatch(text):
        yield f"XX{text}"
    elif text == "":
        yield "XX"


def _without(place: int) -> Change:
    def change(node: ast.AST) -> None:
        for field in ("elts", "keys", "values"):
            if hasattr(node, field):
                del getattr(node, field)[place]

    return change


def _without_keyword(place: int) -> Change:
    def change(node: ast.AST) -> None:
        assert isinstance(node, ast.Call)
        del node.keywords[place]

    return change


def _left_out(place: int) -> Change:
    def change(node: ast.AST) -> None:
        node.body[place] = ast.Pass()  # type: ignore[attr-defined]  # only nodes with a body are asked for it

    return change


def _said(text: str) -> Change:
    def change(node: ast.AST) -> None:
        assert isinstance(node, ast.Constant)
        node.value = text

    return change


def _nothing_returned(node: ast.AST) -> None:
    assert isinstance(node, ast.Return)
    node.value = None


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _name(plain: str, changed: str) -> str:
    """The first line that differs, only what differs of it and a little around."""
    before, after = "", ""
    for line in difflib.ndiff(plain.splitlines(), changed.splitlines()):
        if line.startswith("- ") and not before:
            before = line[2:].strip()
        elif line.startswith("+ ") and not after:
            after = line[2:].strip()
    pairs = enumerate(zip(before, after, strict=False))
    start = next((place for place, (one, other) in pairs if one != other), min(len(before), len(after)))
    from_here = max(0, start - SHOWN)
    return f"{before[from_here : start + SHOWN]} ⇒ {after[from_here : start + SHOWN]}"
