"""One POST, bounded: in time as a whole, in what is read of the answer, and in where it may go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from time import monotonic

import httpx

from micromoments.channels.guard import Refused, pinned, target
from micromoments.core.delivery import Receipt, later, never, taken
from micromoments.core.event import Millis

MOST = 4096
"""Bytes of an answer that are read, for its words."""
LONGEST_WAIT = 24 * 3600.0
AGAIN = frozenset({401, 408, 409, 421, 423, 425, 429})
"""Statuses below 500 that a later try may find mended; 401 is a key that isn't known yet, or no longer."""
_PARTLY = re.compile(rb'"(?:errors|rejected)"\s*:\s*\[\s*[^\s\]]')
"""How Braze and Customer.io (``errors``) and servers like ours (``rejected``) say, with 2xx, that they took a part."""


class Poster:
    """POSTs to one destination over kept connections; for several threads."""

    def __init__(self, seconds: float, *, private: bool) -> None:
        self._private, self._seconds = private, seconds
        self._client = httpx.Client(timeout=seconds, follow_redirects=False, trust_env=False)

    def post(
        self, url: str, body: bytes, headers: Mapping[str, str], now: Millis, *, in_parts: bool = False
    ) -> Receipt:
        """Send it, and say what became of it: 2xx is taken, 410 and the like never are, the rest may be later.

        ``in_parts``: the tool answers 2xx also where it refused a part of it, which then counts as refused.
        """
        until = monotonic() + self._seconds
        try:
            address, host = target(url, private=self._private)
            sent = self._client.build_request(
                "POST",
                pinned(url, address),
                content=body,
                headers={"user-agent": "micromoments", "accept-encoding": "identity", **headers, "host": _host(url)},
                extensions={"sni_hostname": host, "timeout": httpx.Timeout(self._seconds).as_dict()},
            )
            answer = self._client.send(sent, stream=True)
            try:
                said = _read(answer, until)
            finally:
                answer.close()
        except Refused as error:
            return never(str(error))
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return later(f"{type(error).__name__}: {error}"[:200])
        if in_parts and answer.is_success and _PARTLY.search(said):
            return never(_words(answer, said))
        return _receipt(answer, said, now)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()


def _host(url: str) -> str:
    parts = httpx.URL(url)
    return parts.netloc.decode("ascii").rpartition("@")[2]


def _read(answer: httpx.Response, until: float) -> bytes:
    """The beginning of the answer; one that drips past the deadline is let go of."""
    body = b""
    for part in answer.iter_raw():
        body += part
        if len(body) > MOST or monotonic() > until:
            break
    return body


def _words(answer: httpx.Response, said: bytes) -> str:
    return f"{answer.status_code} {said[:160].decode('utf-8', 'replace')}".strip()[:200]


def _receipt(answer: httpx.Response, said: bytes, now: Millis) -> Receipt:
    status, words = answer.status_code, _words(answer, said)
    if 200 <= status < 300:
        return taken(str(status))
    if status >= 500 or status in AGAIN:
        return later(words, _after(answer.headers.get("retry-after", ""), now))
    return never(words)


def _after(text: str, now: Millis) -> float:
    """Seconds that ``Retry-After`` asks to wait: a number of them, or a date."""
    if text.isdecimal():
        return min(float(text[:6]), LONGEST_WAIT)
    try:
        return min(max(0.0, parsedate_to_datetime(text).timestamp() - now / 1000), LONGEST_WAIT)
    except (ValueError, TypeError):
        return 0.0
