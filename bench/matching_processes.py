"""The processes of the installation on which the live matching is measured: those named in the environment."""

from __future__ import annotations

import os

from deploy.services import PROCESSES as WHOLE

PROCESSES = [spec for spec in WHOLE if spec.name in os.environ["ROLLCALL_BENCH_PROCESSES"].split(",")]
