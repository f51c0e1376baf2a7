"""What /metrics and `./rollcall status` say of the witness: alarms, and how far it is behind what services sign."""

from __future__ import annotations

from shared.hosting.figures import Gauge

GAUGES = (
    Gauge(
        "rollcall_alarms",
        "First wrong indexes found in a log, by kind",
        ("log", "kind"),
        "SELECT service, kind, count(*) FROM alarms GROUP BY service, kind",
    ),
    Gauge(
        "rollcall_uncosigned_events",
        "Events that a service has signed and the witness has not",
        ("log",),
        """SELECT t.service, max(t.size) - coalesce((SELECT max(c.size) FROM cosignatures c
                                                    WHERE c.service = t.service), 0)
           FROM told_checkpoints t GROUP BY t.service""",
    ),
)
