"""A receiver of webhooks on loopback that does as a test says: takes, refuses, fails half of its calls, or hangs."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from zlib import crc32

Answer = tuple[int, dict[str, str]]
TAKE: Answer = (204, {})


class Receiver:
    """What arrived, and what is answered. ``ids`` counts each delivery's arrivals that were taken, ``taken`` are
    the bodies of all that were; ``words`` is the body of every answer.
    """

    def __init__(self, answer: Callable[[int, bytes], Answer | None]) -> None:
        self.answer = answer
        self.calls: list[tuple[str, dict[str, str], bytes]] = []
        self.ids: Counter[str] = Counter()
        self.taken: list[bytes] = []
        self.url = ""
        self.words = b""
        self.closing = threading.Event()

    @property
    def bodies(self) -> list[bytes]:
        """The bodies, in the order of their arrival."""
        return [body for _, _, body in self.calls]


@contextmanager
def receiving(answer: Callable[[int, bytes], Answer | None] = lambda _n, _body: TAKE) -> Iterator[Receiver]:
    """A receiver at ``url``. ``answer`` is asked with the call's number from 0 and its body; None hangs."""
    receiver = Receiver(answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {k.lower(): v for k, v in self.headers.items()}
            receiver.calls.append((self.path, headers, body))
            answer = receiver.answer(len(receiver.calls) - 1, body)
            if answer is None:
                receiver.closing.wait(60)
                return
            status, more = answer
            if status < 300:
                receiver.taken.append(body)
            if status < 300 and "webhook-id" in headers:
                receiver.ids[headers["webhook-id"]] += 1
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(receiver.words)))
            self.end_headers()
            self.wfile.write(receiver.words)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def half() -> Callable[[int, bytes], Answer]:
    """An answer that fails half of the calls: every other one of each delivery, half of them at the first already."""
    tries: Counter[bytes] = Counter()

    def answer(_n: int, body: bytes) -> Answer:
        tries[body] += 1
        return (503, {}) if (crc32(body) + tries[body]) % 2 else TAKE

    return answer
