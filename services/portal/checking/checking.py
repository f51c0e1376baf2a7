"""The check tool 核对工具: what is dropped comes back annotated. Nothing is stored, no event is written."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.responses import RedirectResponse, Response, StreamingResponse

from services.portal.backends import Backends
from services.portal.checking.check_jobs import CheckJobs, Given, Job
from services.portal.forms import sent_form
from services.portal.rendering import Rendering
from services.portal.session import Opening, check_form, opening, permit
from services.portal.taking import taken
from shared.kernel.clock import today
from shared.kernel.refusals import Malformed
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
Sent = Annotated[FormData, Depends(sent_form)]

FILES_MOST = 20  # of one check: a register per school stage and the lists of three agencies
_NAME_CHARACTERS = 60
_CHUNK_BYTES = 1 << 20


@router.get("/check", dependencies=[permit(Right.LISTS_SEND)])
async def check(request: Request, opened: Opened) -> Response:
    """The form."""
    rendering: Rendering = request.app.state.rendering
    return rendering.page(request, opened, "check.html", job=None)


@router.post("/check/uploads", dependencies=[permit(Right.LISTS_SEND)])
async def send(request: Request, opened: Opened) -> Response:
    """Take the files in and check them beside; leads to the job's page."""
    jobs: CheckJobs = request.app.state.check_jobs
    async with request.form(max_files=FILES_MOST, max_fields=10) as form:
        check_form(request, form.get("form_token"))
        as_of = _day(form.get("as_of"))
        model = await _model_in_force(request, opened)
        register, lists = _files(form, "register"), _files(form, "lists")
        if not register or not lists:
            raise Malformed("请放入学籍名册和至少一份名单", "Drop the register and at least one list")
        job = jobs.reserve(opened.viewer.principal)
        try:
            paths = await _kept(register, job, "register"), await _kept(lists, job, "lists")
            given = Given(*paths, as_of, await run_in_threadpool(_written, job.folder / "model.json", model))
        except BaseException:
            await jobs.forget(job)
            raise
    jobs.start(job, given)
    return RedirectResponse(f"/check/{job.id}", 303)


@router.get("/check/{job_id}", dependencies=[permit(Right.LISTS_SEND)])
async def look(request: Request, job_id: str, opened: Opened) -> Response:
    """How far it is, or its result; the page's script asks for that part alone (``?part=state``)."""
    jobs: CheckJobs = request.app.state.check_jobs
    job = jobs.of(opened.viewer.principal, job_id)
    rendering: Rendering = request.app.state.rendering
    part = request.query_params.get("part") == "state"
    return rendering.page(request, opened, "_check.html" if part else "check.html", job=job)


@router.post("/check/{job_id}/result", dependencies=[permit(Right.LISTS_SEND)])
async def fetch(request: Request, job_id: str, opened: Opened, _form: Sent) -> Response:
    """The zip; once it has been sent whole, nothing of the job remains."""
    jobs: CheckJobs = request.app.state.check_jobs
    job = jobs.of(opened.viewer.principal, job_id)
    if job.state != "done":
        raise Malformed("核对还没有完成", "The check is not finished")
    await taken(request, opened, "/check/{job_id}/result", None, job.zip_path)
    headers = {
        "content-disposition": 'attachment; filename="rollcall-check.zip"',
        "content-length": str(job.zip_path.stat().st_size),
        "content-encoding": "identity",  # packed already
        "cache-control": "no-store",
    }
    return StreamingResponse(_whole(jobs, job), media_type="application/zip", headers=headers)


@router.post("/check/{job_id}/forget", dependencies=[permit(Right.LISTS_SEND)])
async def forget(request: Request, job_id: str, opened: Opened, _form: Sent) -> Response:
    """End it at once."""
    jobs: CheckJobs = request.app.state.check_jobs
    await jobs.forget(jobs.of(opened.viewer.principal, job_id))
    return RedirectResponse("/check?done=forgotten", 303)


async def _model_in_force(request: Request, opened: Opening) -> bytes:
    """What decides the check: the service's own model, or a result could differ from what it will decide. Raises
    BackendTrouble."""
    backends: Backends = request.app.state.backends
    pieces = await backends.download(opened.caller, "matching", "/v1/models/in-force")
    return b"".join([piece async for piece in pieces])


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _day(typed: object) -> date:
    try:
        return date.fromisoformat(str(typed)) if typed else today()
    except ValueError:
        raise Malformed("请填写日期", "Give a date", field="as_of") from None


def _files(form: FormData, name: str) -> list[UploadFile]:
    """The files of a field; a browser sends an empty one without a name when nothing was chosen."""
    return [sent for sent in form.getlist(name) if isinstance(sent, UploadFile) and sent.filename]


async def _kept(sent: Sequence[UploadFile], job: Job, field: str) -> list[Path]:
    """Write them into the job's folder, each in a folder of its own: two may bear one name."""
    paths = []
    for number, file in enumerate(sent, 1):
        path = job.folder / field / str(number) / _plain(file.filename or "")
        path.parent.mkdir(parents=True)
        with path.open("wb") as target:
            while chunk := await file.read(_CHUNK_BYTES):
                await run_in_threadpool(target.write, chunk)
        paths.append(path)
    return paths


def _plain(filename: str) -> str:
    """The person's own name for the file, without what a file system or a message could take amiss."""
    name = re.sub(r"[^\w.()()【】·-]", "_", filename)
    stem, dot, suffix = name.rpartition(".")
    return (
        f"{stem[-_NAME_CHARACTERS:].lstrip('.') or '_'}{dot}{suffix[:5].lower()}" if dot else name[-_NAME_CHARACTERS:]
    )


async def _whole(jobs: CheckJobs, job: Job) -> AsyncIterator[bytes]:
    """The zip in pieces. A browser that goes away in the middle may come back for it: only the end forgets it."""
    with job.zip_path.open("rb") as file:
        while chunk := await run_in_threadpool(file.read, _CHUNK_BYTES):
            yield chunk
    await jobs.forget(job)
