"""The other side of `rollcall bench sse`, in a process of its own: opens live lists and tells when each had its row.

One JSON line in: port, token, count. Out: ``open``. Then for each line in ({"reading": n}, the first n of them read,
the others stop) ``ready`` and the moments the row arrived, by the machine's monotonic clock; {"again": true}: the last
list comes back where it stopped.
"""

from __future__ import annotations

import asyncio
import json
import re
import resource
import socket
import sys
import time

AT_ONCE = 100
PATIENCE_SECONDS = 120.0
POSITION = re.compile(rb"id: (\S+)\n")


class List:
    """One live list."""

    def __init__(self, port: int, token: str) -> None:
        self._port, self._token = port, token
        self.position = ""

    async def open(self, last: str = "") -> None:
        """Connect, and read on until the stream says it is open."""
        found = socket.socket()
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)  # who stops reading is soon full
        found.setblocking(False)
        await asyncio.get_running_loop().sock_connect(found, ("127.0.0.1", self._port))
        self._reader, self._writer = await asyncio.open_connection(sock=found, limit=4_096)
        asked = f"GET /v1/messages/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {self._token}\r\n"
        self._writer.write(f"{asked}{f'last-event-id: {last}' + chr(13) + chr(10) if last else ''}\r\n".encode())
        await self._until(b": open")

    async def row(self) -> float:
        """When the next row arrived."""
        await self._until(b"event: row")
        return time.monotonic()

    def close(self) -> None:
        self._writer.close()

    async def _until(self, word: bytes) -> None:
        kept = b""
        while word not in kept:
            piece = await asyncio.wait_for(self._reader.read(4_096), PATIENCE_SECONDS)
            if not piece:
                raise RuntimeError("the stream ended")
            kept = kept[-64:] + piece
            for position in POSITION.findall(kept):
                self.position = position.decode()


async def run() -> None:
    """Everything, led by the lines that come in."""
    told = json.loads(sys.stdin.readline())
    lists = [List(told["port"], told["token"]) for _ in range(told["count"])]
    gate = asyncio.Semaphore(AT_ONCE)

    async def opened(each: List) -> None:
        async with gate:
            await each.open()

    await asyncio.gather(*(opened(each) for each in lists))
    print("open", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        asked = json.loads(line)
        if "again" in asked:
            last = lists[-1]
            last.close()
            await last.open(last.position)
            print(json.dumps([await last.row()]), flush=True)
            continue
        waiting = [asyncio.create_task(each.row()) for each in lists[: asked["reading"]]]
        print("ready", flush=True)
        print(json.dumps(await asyncio.gather(*waiting)), flush=True)


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(run())
