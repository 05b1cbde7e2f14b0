"""Cross-origin requests: the configured origins may read answers, errors too; nobody else's page may."""

from __future__ import annotations

from collections.abc import Sequence

from micromoments.server.http import Headers

METHODS = b"GET, POST, PUT, PATCH, DELETE, OPTIONS"
ALLOWED = (
    b"authorization, content-type, content-encoding, if-none-match, last-event-id, x-api-key, x-retry-count, "
    b"cache-control, sp-anonymous, ocp-apim-subscription-key, anonymousid, sentat, rsa-retry-attempt, "
    b"rsa-retry-reason, rsa-since-first-attempt, rsa-since-last-attempt, mcp-protocol-version, mcp-session-id, "
    b"traceparent, tracestate"
)
EXPOSED = b"retry-after, x-ratelimit-reset, etag"
MAX_AGE = b"86400"
ANYONE = (b"access-control-allow-origin", b"*")
"""On an answer that holds nothing of anybody's, so that a page of any origin may read it."""


class Cors:
    """The headers for each origin. ``local``: pages of this machine may read answers too (there are no keys)."""

    def __init__(self, origins: Sequence[str], *, local: bool = False) -> None:
        self._local = local
        self._any = "*" in origins
        self._origins = frozenset(origin.rstrip("/").encode() for origin in origins)

    def headers(self, origin: bytes | None) -> Headers:
        """What every answer to a request from this origin carries; nothing for one that isn't configured."""
        if origin is None:
            return []
        if not self._any and origin not in self._origins and not (self._local and is_local(origin)):
            return [(b"vary", b"origin")]
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", EXPOSED),
            (b"vary", b"origin"),
        ]

    def credentials(self, origin: bytes | None) -> Headers:
        """What an answer carries beside for a tracker that sends its cookies along; none of them is looked at."""
        return [(b"access-control-allow-credentials", b"true")] if len(self.headers(origin)) > 2 else []

    def preflight(self, origin: bytes | None) -> Headers:
        """The answer to a browser that asks before it sends."""
        headers = self.headers(origin)
        if len(headers) < 2:
            return headers
        return [
            *headers,
            (b"access-control-allow-methods", METHODS),
            (b"access-control-allow-headers", ALLOWED),
            (b"access-control-max-age", MAX_AGE),
        ]


def is_local(origin: bytes) -> bool:
    """Whether an origin is a page that this machine serves itself."""
    host = origin.partition(b"://")[2]
    name = host.partition(b"]")[0] + b"]" if host.startswith(b"[") else host.partition(b":")[0]
    return name in (b"localhost", b"127.0.0.1", b"[::1]")
