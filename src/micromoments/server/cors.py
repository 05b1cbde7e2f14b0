"""Cross-origin requests: the configured origins may read answers, errors too; nobody else's page may."""

from __future__ import annotations

from collections.abc import Sequence

from micromoments.server.http import Headers

METHODS = b"GET, POST, PUT, PATCH, DELETE, OPTIONS"
ALLOWED = (
    b"authorization, content-type, content-encoding, if-none-match, last-event-id, x-api-key, x-retry-count, "
    b"cache-control"
)
EXPOSED = b"retry-after, x-ratelimit-reset, etag"
MAX_AGE = b"86400"


class Cors:
    """The headers for each origin, made once."""

    def __init__(self, origins: Sequence[str]) -> None:
        self._any = "*" in origins
        self._origins = frozenset(origin.rstrip("/").encode() for origin in origins)

    def headers(self, origin: bytes | None) -> Headers:
        """What every answer to a request from this origin carries; nothing for one that isn't configured."""
        if origin is None:
            return []
        if self._any:
            return [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", EXPOSED)]
        if origin not in self._origins:
            return [(b"vary", b"origin")]
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", EXPOSED),
            (b"vary", b"origin"),
        ]

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
