"""A processor as a process of its own, so that a test can kill, stop and resume it.

Arguments: one JSON object with bootstrap, app_id, topics, dsn, database, keys; failpoints come by the environment.
"""

from __future__ import annotations

import asyncio
import json
import sys

from shared.database.database import Database
from shared.keys.keyring import KeyRing
from shared.messaging.host import ProcessorHost
from shared.messaging.runner import Runner
from tests.shared.messaging.world import roster


async def main(given: dict[str, str], topics: dict[str, str]) -> None:
    database = Database("alpha", given["dsn"], name=given["database"])
    keyring = KeyRing(given["dsn"], bytes(range(32)), name=given["keys"])
    host = ProcessorHost(given["app_id"], given["bootstrap"], topics, [Runner(roster(), database, keyring)])
    await host.start()
    print("started", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    arguments = json.loads(sys.argv[1])
    asyncio.run(main(arguments, arguments["topics"]))
