"""Jobs of the check tool: each in a folder and a child process of its own, known to this process's memory only.

A job ends in one of three ways, after each of which nothing of it remains: its result is fetched, its person forgets
it, or ``KEPT_SECONDS`` pass. A portal that starts or stops empties the folder of all jobs.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from services.portal.checking.check_process import Failure, Run, run_bounded
from services.portal.checking.check_results import read_summary, write_zip
from shared.kernel.refusals import NotFound, Refusal

RUNNING_MOST = 2  # a 2-core machine must go on serving its pages
KEPT_MOST = 8  # results waiting to be fetched: at most 8 times an upload's bytes and its copies on the disk
KEPT_SECONDS = 600.0  # after the last thing that happened to a job
JOB_SECONDS = 300.0  # a county of 20,000 students takes under half a minute


@dataclass(frozen=True)
class Given:
    """What a person dropped, and the model that decides, in the job's own folder."""

    register: Sequence[Path]
    lists: Sequence[Path]
    as_of: date
    model: Path


@dataclass(frozen=True)
class Checker:
    """What the composition root injects. ``command`` makes the command line that checks ``Given`` into the folder given
    second, run in ``directory``; ``folder`` is where jobs live: it belongs to the portal and is emptied."""

    command: Callable[[Given, Path], Sequence[str]]
    folder: Path
    directory: Path


class TooManyChecks(Refusal):
    """As many are checked as may be at a time, or this person's own is under way."""

    status = 503
    code = "too_many_checks"

    def __init__(self) -> None:
        super().__init__(
            "正在核对的名单已满,请一两分钟后再试;本次上传没有留下任何内容",
            "As many lists are being checked as possible. Try again in a minute or two; nothing was kept.",
        )


@dataclass
class Job:
    """One check. ``summary`` is that of the matching command; ``failure`` says why there is none."""

    id: str
    owner: str
    folder: Path
    run: Run = field(default_factory=Run)
    summary: dict[str, Any] | None = None
    failure: Failure | None = None
    task: asyncio.Task[None] | None = None
    expiry: asyncio.TimerHandle | None = None

    @property
    def state(self) -> str:
        if self.failure is not None:
            return "failed"
        return "working" if self.summary is None else "done"

    @property
    def zip_path(self) -> Path:
        return self.folder / "result.zip"


class CheckJobs:
    """Every job of this process. Used on its event loop only."""

    def __init__(
        self, checker: Checker, *, kept_seconds: float = KEPT_SECONDS, job_seconds: float = JOB_SECONDS
    ) -> None:
        self._checker, self._kept_seconds, self._job_seconds = checker, kept_seconds, job_seconds
        self._jobs: dict[str, Job] = {}

    @asynccontextmanager
    async def part(self, _app: FastAPI) -> AsyncIterator[None]:
        """Empty the folder when the portal starts (a killed one could not) and when it stops."""
        await asyncio.to_thread(_remove, self._checker.folder)
        try:
            yield
        finally:
            for job in list(self._jobs.values()):
                await self.forget(job)
            await asyncio.to_thread(_remove, self._checker.folder)

    def reserve(self, owner: str) -> Job:
        """A job with an empty folder, to be started or forgotten. Raises TooManyChecks."""
        running = sum(job.state == "working" for job in self._jobs.values())
        if running >= RUNNING_MOST or len(self._jobs) >= KEPT_MOST:
            raise TooManyChecks
        job = Job(secrets.token_urlsafe(24), owner, self._checker.folder / secrets.token_hex(8))
        self._jobs[job.id] = job
        job.folder.mkdir(parents=True, mode=0o700)
        self._checker.folder.chmod(0o700)
        return job

    def start(self, job: Job, given: Given) -> None:
        """Check what was given, beside everything else."""
        job.task = asyncio.create_task(self._work(job, given))

    def of(self, owner: str, job_id: str) -> Job:
        """A person's own job. Raises NotFound."""
        job = self._jobs.get(job_id)
        if job is None or job.owner != owner:
            raise NotFound(
                "这次核对已结束,内容已全部清除;如需结果请重新核对",
                "This check is over and nothing of it is kept; check again for its result.",
            )
        return job

    async def forget(self, job: Job) -> None:
        """End it and remove all of it. Safe to repeat."""
        self._jobs.pop(job.id, None)
        if job.expiry is not None:
            job.expiry.cancel()
        if job.task is not None and job.task is not asyncio.current_task():
            job.task.cancel()
            await asyncio.gather(job.task, return_exceptions=True)
        await asyncio.to_thread(_remove, job.folder)

    async def _work(self, job: Job, given: Given) -> None:
        out = job.folder / "out"
        try:
            job.failure = await run_bounded(
                self._checker.command(given, out),
                folder=job.folder,
                directory=self._checker.directory,
                seconds=self._job_seconds,
                run=job.run,
            )
            if job.failure is None:
                await asyncio.to_thread(write_zip, out, job.zip_path)
                job.summary = await asyncio.to_thread(read_summary, out)
        except OSError as error:  # the disk is full, or the child could not be started
            job.failure = Failure.of_system(error)
        finally:
            if job.summary is None and job.failure is None:  # ended from outside, or a defect that the log tells
                job.failure = Failure.of_limit("核对被中断", "The check was interrupted")
            keep = [job.zip_path] if job.summary is not None else []
            await asyncio.to_thread(_remove_but, job.folder, keep)
            if job.id in self._jobs:
                loop = asyncio.get_running_loop()
                job.expiry = loop.call_later(self._kept_seconds, self._expire, job)

    def _expire(self, job: Job) -> None:
        job.task = asyncio.ensure_future(self.forget(job))


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _remove_but(folder: Path, keep: Sequence[Path]) -> None:
    """What was dropped leaves as soon as it has been read."""
    for path in folder.iterdir() if folder.exists() else ():
        if path in keep:
            continue
        if path.is_dir():
            _remove(path)
        else:
            path.unlink()
