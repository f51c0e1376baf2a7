"""Receiving systems and a mail server of the tests: real sockets on loopback, each with a bad habit on request."""

from __future__ import annotations

import asyncio
import base64
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

Habit = Literal["ok", "error", "gone", "redirect", "silent", "drips", "endless"]
_STATUS = {"ok": "204 No Content", "error": "500 No", "gone": "410 Gone", "redirect": "302 Found"}


class Receiver:
    """Takes POSTs; ``heard`` holds (headers, body) of each. ``habit`` may be changed at any moment, and
    so may what it ``says`` in the body of an answer."""

    def __init__(self, habit: Habit = "ok") -> None:
        self.habit: Habit = habit
        self.says = b""
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        pairs = (line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        headers = {name.lower(): value for name, value in pairs}
        self.heard.append((headers, await reader.readexactly(int(headers.get("content-length", "0")))))
        try:
            await self._answer(writer)
        except ConnectionError:
            pass  # whoever sent has had enough
        writer.close()

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        if self.habit == "silent":
            await asyncio.sleep(60)
        if self.habit == "drips":
            for letter in "HTTP/1.1 204 No Content\r\n" + "x-slow: 1\r\n" * 100:
                writer.write(letter.encode())
                await writer.drain()
                await asyncio.sleep(0.2)
        status = "200 OK" if self.says else _STATUS.get(self.habit, "200 OK")
        length = "" if self.habit == "endless" else f"content-length: {len(self.says)}\r\n"
        writer.write(
            f"HTTP/1.1 {status}\r\nlocation: http://127.0.0.1:1/\r\n{length}connection: close\r\n\r\n".encode()
        )
        writer.write(self.says)
        await writer.drain()
        while self.habit == "endless":
            writer.write(b"x" * 65_536)
            await writer.drain()


@contextmanager
def receiving(*receivers: Receiver) -> Iterator[None]:
    """All of them answer on ports of their own, in one thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin(receiver: Receiver) -> Any:
        server = await asyncio.start_server(receiver.take, "127.0.0.1", receiver.port)
        receiver.port = server.sockets[0].getsockname()[1]
        return server

    servers = [asyncio.run_coroutine_threadsafe(begin(each), loop).result(5) for each in receivers]
    yield
    asyncio.run_coroutine_threadsafe(_ended(servers), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


async def _ended(servers: list[Any]) -> None:
    for server in servers:
        server.close()
    open_ones = asyncio.all_tasks() - {asyncio.current_task()}
    for task in open_ones:
        task.cancel()
    await asyncio.gather(*open_ones, return_exceptions=True)


class MailBox(socketserver.ThreadingTCPServer):
    """A small SMTP server (RFC 5321); ``refusing`` answers every recipient with 450. With ``tls`` it offers STARTTLS
    (``at_once``: speaks TLS from the first byte) and asks for a login by AUTH PLAIN, which only ``account`` may do."""

    daemon_threads = True

    def __init__(self, tls: ssl.SSLContext | None = None, *, at_once: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.mails: list[tuple[str, str]] = []  # (recipient, content)
        self.said: list[str] = []  # what was asked of it, outside TLS
        self.refusing = False
        self.tls, self.at_once = tls, at_once
        self.account = ("rollcall", "a password")

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Session(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        server = self.server
        assert isinstance(server, MailBox)
        self._secured = self._known = False
        to = ""
        try:
            if server.tls is not None and server.at_once:
                self._secure(server.tls)
            else:
                self._lines = self.request.makefile("rb")
            self._say("220 here")
            while raw := self._lines.readline():
                line = raw.decode().strip()
                word = line.upper()
                if not self._secured:
                    server.said.append(word)
                if word == "STARTTLS" and server.tls is not None:
                    self._say("220 go on")
                    self._secure(server.tls)
                elif word.startswith("AUTH PLAIN "):
                    self._known = base64.b64decode(line[11:]).decode().split("\0")[1:] == list(server.account)
                    self._say("235 welcome" if self._known else "535 who are you")
                elif word.startswith("RCPT"):
                    to = line.partition("<")[2].partition(">")[0]
                    self._say("450 later" if server.refusing else "250 ok")
                elif word == "DATA":
                    server.mails.append((to, self._content()))
                    self._say("250 taken")
                elif word == "QUIT":
                    self._say("221 bye")
                    return
                else:
                    self._answer(word, server)
        except OSError:
            pass  # whoever spoke has gone, or did not trust the certificate

    def _answer(self, word: str, server: MailBox) -> None:
        if word.startswith("EHLO") and server.tls is not None:
            self._say("250-here\r\n250 AUTH PLAIN" if self._secured else "250-here\r\n250 STARTTLS")
        elif word.startswith("MAIL") and server.tls is not None and not self._known:
            self._say("530 log in first")
        else:
            self._say("250 ok")

    def _content(self) -> str:
        self._say("354 go on")
        lines = []
        while (told := self._lines.readline()) not in (b".\r\n", b""):
            lines.append(told.decode())
        return "".join(lines)

    def _secure(self, context: ssl.SSLContext) -> None:
        self.request = context.wrap_socket(self.request, server_side=True)
        self._lines, self._secured = self.request.makefile("rb"), True

    def _say(self, line: str) -> None:
        self.request.sendall(f"{line}\r\n".encode())


@contextmanager
def mailbox(tls: ssl.SSLContext | None = None, *, at_once: bool = False) -> Iterator[MailBox]:
    """A running one."""
    with MailBox(tls, at_once=at_once) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
