"""Refusals about requests to correct somebody else's record, as business nouns.

RequestUnknown       404  no such request, or it does not concern the caller
RequestFieldUnknown  422  a field that is not corrected by request, or none at all
RequestForOneself    409  the record is the caller's own
RequestDecided       409  somebody decided already
RequestOutdated      409  a value is no longer as it was shown
RequestTooFresh      409  asked this very moment; try again
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from shared.kernel.refusals import Conflict, Malformed, NotFound, VersionConflict


class RequestUnknown(NotFound):
    code = "request_unknown"

    def __init__(self, request_id: UUID) -> None:
        super().__init__("没有这项更正申请", "There is no such request.", request_id=str(request_id))


class RequestFieldUnknown(Malformed):
    code = "request_field_unknown"

    def __init__(self, fields: Sequence[str]) -> None:
        super().__init__("没有可申请更正的内容", "Nothing that can be asked for was given.", fields=list(fields))


class RequestForOneself(Conflict):
    code = "request_for_oneself"

    def __init__(self) -> None:
        super().__init__("该记录由您管理,请直接更正", "The record is yours: correct it.")


class RequestDecided(Conflict):
    code = "request_decided"

    def __init__(self, request_id: UUID) -> None:
        super().__init__("这项申请已经办结", "The request is decided already.", request_id=str(request_id))


class RequestOutdated(Conflict):
    code = "request_outdated"

    def __init__(self, request_id: UUID) -> None:
        super().__init__(
            "记录已与您看到的不同,请刷新后重新核对",
            "The record is no longer as you saw it; reload and check again.",
            request_id=str(request_id),
        )


class RequestTooFresh(VersionConflict):
    code = "request_too_fresh"

    def __init__(self, request_id: UUID) -> None:
        super().__init__("申请刚刚提出,请稍后再试", "It was asked this moment; try again.", request_id=str(request_id))
