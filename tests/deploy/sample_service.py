"""A process as the supervisor expects one: /health/ready, /metrics, SIGTERM; not a test."""

from __future__ import annotations

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Ready at once; tells its own process id and one figure."""

    def do_GET(self) -> None:
        """Answer the two known paths."""
        answers = {"/health/ready": str(os.getpid()), "/metrics": 'rollcall_dead_letters{projection="roster"} 3.0\n'}
        body = answers.get(self.path)
        self.send_response(200 if body else 404)
        self.end_headers()
        self.wfile.write((body or "").encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it
        """Stay quiet."""


def main() -> None:
    """Serve until SIGTERM."""
    if sys.argv[1:] == ["--step"]:
        assert os.environ["ROLLCALL_ADMIN_DATABASE_URL"].startswith("postgresql://postgres:")
        return
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["ROLLCALL_LISTEN_PORT"])), Handler).serve_forever()


if __name__ == "__main__":
    main()
