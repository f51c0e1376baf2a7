"""Classes over HTTP: one student changes, or up to a thousand are reshuffled at once, all or none."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.registry.commands import ChangeClasses
from services.registry.handlers import Registry
from services.registry.students.batch_lines import parsed
from services.registry.students.class_changes import change_class, change_classes
from services.registry.students.student_api import Changed, watched
from shared.kernel.clock import today
from shared.standards.rights import Right
from shared.web.bodies import batch_lines
from shared.web.commands import command_from
from shared.web.entity_tags import set_entity_tag
from shared.web.viewers import Viewer, require

Lines = Annotated[list[bytes], Depends(batch_lines)]
Registrar = Annotated[Viewer, Depends(require(Right.REGISTER_KEEP))]
ClassName = Annotated[str, Field(min_length=1, max_length=40)]


class ClassChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    on: date
    class_name: ClassName


class Seat(BaseModel):
    """A line of a reshuffle."""

    model_config = ConfigDict(extra="forbid")

    student_id: UUID
    class_name: ClassName


class Reshuffled(BaseModel):
    """``changed``: students who are in another class now; the others were in theirs already."""

    changed: int
    event_ids: tuple[UUID, ...]


def router(registry: Registry) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")

    @routes.post("/students/{student_id}/class")
    def one(student_id: UUID, body: ClassChange, request: Request, response: Response, viewer: Registrar) -> Changed:
        intent = ChangeClasses(body.on, ((student_id, body.class_name),))
        command = command_from(request, viewer, body)
        with watched(viewer, student_id):
            done = change_class(registry, viewer.scope, intent, command, today())
        version = done.versions.get(student_id)
        if version is not None:
            set_entity_tag(response, version)
        return Changed(student_id=student_id, event_ids=done.event_ids, version=version)

    @routes.post("/students/classes/batch")
    def reshuffle(on: date, request: Request, viewer: Registrar, lines: Lines) -> Reshuffled:
        """A student per line (NDJSON); what is wrong is told line by line, and then nobody is moved."""
        seats = parsed(Seat, lines)
        intent = ChangeClasses(on, tuple((each.student_id, each.class_name) for each in seats))
        command = command_from(request, viewer, b"\n".join(lines))
        done = change_classes(registry, viewer.scope, intent, command, today())
        return Reshuffled(changed=len(done.event_ids), event_ids=done.event_ids)

    return routes
