"""Errors of our own doors: ``application/problem+json`` (RFC 9457) with a stable code, and got, wanted, next step."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from micromoments.ports import Corrupt, StoreError
from micromoments.server.service import Conflict, LogDown, Overloaded

PROBLEM_JSON = b"application/problem+json"


class Problem(Exception):
    """A request that can't be answered as asked.

    Args:
        status: the HTTP status.
        code: a stable name for programs, ``snake_case``.
        got: what came.
        wanted: what would have been right.
        todo: what to do next.
        retry_after: seconds after which it may be tried again; 0 says nothing of it.
        close: the connection still has an unread body on it, and must end.
    """

    def __init__(
        self,
        status: int,
        code: str,
        got: str,
        wanted: str,
        todo: str = "",
        *,
        retry_after: int = 0,
        close: bool = False,
    ) -> None:
        super().__init__(f"{code}: got {got}; wanted {wanted}; {todo}")
        self.status = status
        self.code = code
        self.got = got
        self.wanted = wanted
        self.todo = todo
        self.retry_after = retry_after
        self.close = close

    def body(self) -> bytes:
        """The problem as JSON."""
        return msgspec.json.encode(
            {
                "type": f"urn:micromoments:problem:{self.code}",
                "title": HTTPStatus(self.status).phrase,
                "status": self.status,
                "code": self.code,
                "detail": f"got {self.got}; wanted {self.wanted}" + (f"; {self.todo}" if self.todo else ""),
                "got": self.got,
                "wanted": self.wanted,
                "next": self.todo,
            }
        )

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Headers that belong to the status."""
        if self.close:
            return [(b"connection", b"close")]
        if self.status == HTTPStatus.UNAUTHORIZED:
            return [(b"www-authenticate", b'Bearer realm="micromoments"')]
        if self.status == HTTPStatus.METHOD_NOT_ALLOWED:
            return [(b"allow", self.wanted.encode())]
        if self.retry_after:
            seconds = str(self.retry_after).encode()
            return [(b"retry-after", seconds), (b"x-ratelimit-reset", seconds)]
        return []


def problem_of(error: Exception) -> Problem:
    """What a client is told of an error; 500 for one that is ours to mend."""
    match error:
        case Problem():
            return error
        case Overloaded():
            todo = "nothing was accepted; try again"
            got, wanted, wait = "more than can be taken now", "less at one time", error.retry_after
            return Problem(429, "overloaded", got, wanted, todo, retry_after=wait)
        case LogDown():
            return Problem(503, "log_unavailable", "a log that can't be written", "one that can", "try again later")
        case StoreError() if not isinstance(error, Corrupt):
            got, wanted = "a store that can't be reached or written now", "one that can"
            return Problem(503, "store_unavailable", got, wanted, "try again later", retry_after=1)
        case Conflict():
            got, wanted = "a decisionId that was used before with another body", "the same body, or a new decisionId"
            return Problem(409, "decision_conflict", got, wanted, "leave decisionId out to be given one")
        case _:
            return Problem(500, "internal_error", "an error of ours", "none", "tell us what you sent")


def not_taken(code: str, detail: str, wanted: str, status: int = 400) -> Problem:
    """What something else refused, which says ``got ...; wanted ...; what to do`` itself; ``wanted`` is for where it
    doesn't say that.
    """
    got, _, todo = detail.removeprefix("got ").partition("; ")
    if todo.startswith("wanted "):
        wanted, _, todo = todo.removeprefix("wanted ").partition("; ")
    return Problem(status, code, got, wanted, todo)


def shown(text: str, most: int = 40) -> str:
    """A stranger's text as an error may repeat it: short, quoted, and printable."""
    return repr(text if len(text) <= most else text[:most] + "…")


def masked(id: str) -> str:
    """An id as a log may show it: enough to find one's own, too little to use."""
    return f"{id[:4]}…({len(id)})" if len(id) > 4 else "…"
