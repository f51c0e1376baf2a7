"""One counterfactual: the question as JSON on standard input; on standard output a line for each bit of progress, then
the answer or the refusal."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from deploy.counterfactual.answering import Ask, Laboratory
from services.audit.counterfactuals.changes import parse
from shared.hosting.settings import Settings
from shared.kernel.refusals import Refusal

TOLD_EVERY_SECONDS = 0.5


def main() -> None:
    """Answer the question. Raises SettingMissing where a key of another service's ids is not there."""
    asked = json.load(sys.stdin)
    own = Settings.from_environment("audit")
    settings = {name: dataclasses.replace(own, service=name) for name in ("registry", "matching", "disbursement")}
    laboratory = Laboratory(own.database(), own.keyring(), own.database_url, settings)
    files = {name: Path(path) for name, path in asked["files"].items()}
    told, last = "", 0.0

    def progress(rerun: str, fed: int) -> None:
        nonlocal told, last
        if rerun != told or time.monotonic() - last > TOLD_EVERY_SECONDS:
            told, last = rerun, time.monotonic()
            _say({"rerun": rerun, "fed": fed})

    try:
        ask = Ask(parse(asked["changes"]), datetime.fromisoformat(asked["known_at"]), files)
        answer = laboratory.answer(ask, progress)
    except Refusal as refused:
        facts = refused.facts
        _say({"refused": {"code": refused.code, "zh": refused.zh, "en": str(refused), "facts": facts}})
        return
    _say({"answer": answer.model_dump(mode="json")})


def _say(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
