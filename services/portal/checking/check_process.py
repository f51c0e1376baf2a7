"""One child process within a time limit; what it writes to standard error is its progress and its refusal."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

_TOLD_CHARACTERS = 4_000  # of standard error that is kept
_CHUNK_BYTES = 4_096
_STAGE = "stage: "
_REFUSED = "refused: "
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV")  # no setting and no secret of the installation

log = structlog.get_logger("check")


@dataclass
class Run:
    """How far the child is: its last stage, in Chinese and English."""

    stage_zh: str = ""
    stage_en: str = ""


@dataclass(frozen=True)
class Failure:
    """Why there is no result, for the person who dropped the files."""

    zh: str
    en: str

    @classmethod
    def of_limit(cls, zh: str, en: str) -> Failure:
        """The files ask more than the page may spend."""
        return cls(
            f"{zh},未生成任何结果。请减少文件,或请管理员用 ./rollcall match 核对",
            f"{en}; there is no result. Drop less, or have it done by ./rollcall match.",
        )

    @classmethod
    def of_system(cls, error: OSError) -> Failure:
        """The machine could not do it."""
        log.warning("check_failed", reason=error.strerror, errno=error.errno)
        reason = error.strerror or ""
        return cls(f"服务器无法完成核对({reason}),请联系管理员", f"The server cannot do this ({reason}).")


async def run_bounded(
    command: Sequence[str], *, folder: Path, directory: Path, seconds: float, run: Run
) -> Failure | None:
    """Run it to its end, in a session of its own so that everything it started ends with it. None is success.

    Temporary files go to ``folder``. Raises OSError when it cannot be started.
    """
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    child = await asyncio.create_subprocess_exec(
        *command,
        cwd=directory,
        env={**environment, "TMPDIR": str(folder), "PYTHONUTF8": "1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert child.stderr is not None
    try:
        async with asyncio.timeout(seconds):
            told = await _listen(child.stderr, run)
            status = await child.wait()
    except TimeoutError:
        return Failure.of_limit("核对用时超过限度", "The check took longer than it may")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await child.wait()
    if status == 0:
        return None
    log.warning("check_refused", status=status)  # never what it said: names of files may name people
    return _refusal(told) or Failure.of_limit("文件过大或内容异常", "The files are too large or damaged")


async def _listen(stream: asyncio.StreamReader, run: Run) -> str:
    """Read to the end; the last stage goes to ``run``. Returns the end of what was told, stages left out."""
    told, pending = "", ""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while chunk := await stream.read(_CHUNK_BYTES):
        *lines, pending = (pending + decoder.decode(chunk)).split("\n")
        pending = pending[-_TOLD_CHARACTERS:]
        for line in lines:
            if line.startswith(_STAGE):
                run.stage_zh, run.stage_en = _stage(line.removeprefix(_STAGE))
            else:
                told = (told + line + "\n")[-_TOLD_CHARACTERS:]
    return told + pending


def _stage(text: str) -> tuple[str, str]:
    """``打开文件 opening`` and ``匹配名单 lists 300`` in both languages."""
    zh, _, en = text.partition(" ")
    figure = "".join(part for part in en.split() if part.isdigit())
    return f"{zh} {figure}".strip(), en


def _refusal(told: str) -> Failure | None:
    """The two lines of a refusal, if the child refused."""
    lines = told.rstrip().split("\n")
    if len(lines) < 2 or not lines[-1].startswith(_REFUSED):
        return None
    return Failure(lines[-2], lines[-1].removeprefix(_REFUSED))
