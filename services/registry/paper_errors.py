"""Refusals about papers, as business nouns.

PaperUnknown      404  no such paper, or not in the caller's scope
PaperDecided      409  it is recorded or refused already
ScanUnusable      422  no PDF, PNG or JPEG, or too large
ScanMissing       404  no scan is attached
"""

from __future__ import annotations

from uuid import UUID

from shared.kernel.refusals import Conflict, Malformed, NotFound


class PaperUnknown(NotFound):
    code = "paper_unknown"

    def __init__(self, paper_id: UUID) -> None:
        super().__init__("没有这份纸质录入", "There is no such paper.", paper_id=str(paper_id))


class PaperDecided(Conflict):
    code = "paper_decided"

    def __init__(self, paper_id: UUID) -> None:
        super().__init__("这份录入已经办结", "The paper is recorded or refused already.", paper_id=str(paper_id))


class ScanUnusable(Malformed):
    code = "scan_unusable"

    def __init__(self, megabytes: int) -> None:
        super().__init__(
            f"扫描件应为 PDF、PNG 或 JPEG,且不超过 {megabytes} MB",
            f"A scan is a PDF, PNG or JPEG of at most {megabytes} MB.",
            megabytes=megabytes,
        )


class ScanMissing(NotFound):
    code = "scan_missing"

    def __init__(self, paper_id: UUID) -> None:
        super().__init__("没有附扫描件", "No scan is attached.", paper_id=str(paper_id))
