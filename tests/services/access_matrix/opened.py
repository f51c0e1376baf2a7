"""What is in an answer, whatever it is packed in: workbooks, documents, bundles, and what is compressed."""

from __future__ import annotations

import gzip
import io
import re
import zipfile
from uuid import UUID

from tests.services.access_matrix.oracle import Person
from tests.services.access_matrix.records import Child, children, loose

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def texts(content: bytes) -> str:
    """Everything readable in ``content``, also what other files in it hold."""
    if content[:2] == b"\x1f\x8b":
        return texts(gzip.decompress(content))
    if content[:2] != b"PK":
        return content.decode("utf-8", errors="replace")
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return "\n".join(f"{name}\n{texts(packed.read(name))}" for name in packed.namelist())


def shown(text: str) -> set[UUID]:
    """The ids in it."""
    return {UUID(each) for each in _UUID.findall(text)}


def hidden(person: Person) -> set[UUID]:
    """Ids that may stand in no answer to this person."""
    away = {each.entry for each in loose() if not person.sees_row(each)}
    for child in children():
        if not person.sees(child):
            away |= {child.student, child.entitlement, child.visit, child.alert, child.document}
        if not person.sees_row(child) and not person.sees(child):
            away.add(child.entry)
    return away


def particulars(person: Person) -> set[str]:
    """Names and numbers that may stand in no answer to this person."""
    away = [child for child in children() if not person.sees(child)]
    return {child.name for child in away} | {child.number for child in away}


def betrayed(person: Person, content: bytes) -> set[str]:
    """Ids, names and numbers of records out of scope that stand in an answer to this person."""
    text = texts(content)
    ids = {str(each) for each in shown(text) & hidden(person)}
    return ids | {each for each in particulars(person) if each in text}


def in_scope(person: Person) -> list[Child]:
    return [child for child in children() if person.sees(child)]
