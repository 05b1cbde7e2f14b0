"""Signing in to the dashboard: a secret key once, then a cookie that no script can read, for half a day.

A session is kept in memory alone, so signing out ends it for good, and a restart asks for the key again. The cookie is
``HttpOnly`` and ``SameSite=Strict``, and counts only for requests that the page itself made: a page of elsewhere, even
of another port of the same host, neither changes nor reads anything with it. Source: OWASP's cheat sheets on session
management and cross-site request forgery.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from typing import Any

import msgspec

from micromoments.core.event import TRUSTED, Millis
from micromoments.server.http import Call, Reply, reply
from micromoments.server.keys import Access, Keys
from micromoments.server.problem import Problem
from micromoments.sources.wire import UNREADABLE

COOKIE = "micromoments"
LIFE = 12 * 3600
"""Seconds from signing in until the key is asked for again."""
MAX_SESSIONS = 1000
MAX_BODY = 8 * 1024
MAX_NAME = 64
MAX_WRONG = 10
"""Wrong keys from one address in ``WRONG_SPAN``, after which it has to wait."""
WRONG_SPAN = 60_000
_MAX_ADDRESSES = 4096


class SignIn(msgspec.Struct, rename="camel", kw_only=True):
    """A secret key, and what the audit log is to call who signs in."""

    key: str
    name: str = ""


class Sessions:
    """The open sessions, and the door at which they begin and end; ``ended`` hears of each that is ended."""

    def __init__(self, keys: Keys, clock: Callable[[], Millis], ended: Callable[[Access], None]) -> None:
        self._keys = keys
        self._clock = clock
        self._ended = ended
        self._open: dict[str, Access] = {}
        self._wrong: dict[str, tuple[Millis, int]] = {}

    def access(self, call: Call) -> Access | None:
        """Whose session a request's cookie shows; ``None`` without one, or where another page made the request."""
        token = _token(call)
        access = self._open.get(token) if token else None
        if access is None or access.until <= self._clock() or not from_our_page(call):
            return None
        return access

    async def sign_in(self, call: Call, _access: Access) -> Reply:
        """A session for whoever has a secret key; the cookie comes with the answer."""
        if self._keys.open:
            self._keys.check_loopback(call.headers)
            return reply(self._state(None))
        if not from_our_page(call):
            raise Problem(403, "foreign_page", "a sign-in that another page sent", "the dashboard's own page")
        address = self._may_try(call)
        try:
            asked = msgspec.json.decode(await call.body(MAX_BODY), type=SignIn)
        except UNREADABLE:
            raise Problem(400, "bad_request", "a body that is none", 'JSON such as {"key": "..."}') from None
        if not self._keys.is_secret_key(asked.key):
            self._wrong[address] = (self._clock(), self._wrong.get(address, (0, 0))[1] + 1)
            raise Problem(401, "wrong_key", "a key that is no secret key of this server", "the secret key", "try again")
        self._wrong.pop(address, None)
        name = "".join(c for c in asked.name if c.isprintable()).strip()[:MAX_NAME]
        access = Access("secret", marks=TRUSTED, session=True, name=name, until=self._clock() + LIFE * 1000)
        token = secrets.token_urlsafe(32)
        while len(self._open) >= MAX_SESSIONS:
            self._ended(self._open.pop(next(iter(self._open))))
        self._open[token] = access
        return reply(self._state(access), headers=[_cookie(token, LIFE, call)])

    async def sign_out(self, call: Call, _access: Access) -> Reply:
        """The session is over, here and wherever its cookie was copied to, with the streams that it opened."""
        if self.access(call) is not None:
            self._ended(self._open.pop(_token(call)))
        return Reply(204, headers=[_cookie("", 0, call)])

    async def who(self, call: Call, _access: Access) -> Reply:
        """Whether a key is needed, and whether this page has shown one."""
        return reply(self._state(self.access(call)))

    def _state(self, access: Access | None) -> dict[str, Any]:
        known = {"until": access.until, "name": access.name} if access else {"until": None, "name": ""}
        return {"keyNeeded": not self._keys.open, "signedIn": self._keys.open or access is not None, **known}

    def _may_try(self, call: Call) -> str:
        """The address that tries a key, unless it was wrong too often.

        Raises:
            Problem: ``too_many_tries``.
        """
        client = call.scope.get("client")
        address, now = str(client[0]) if client else "", self._clock()
        since, times = self._wrong.get(address, (0, 0))
        if now - since > WRONG_SPAN:
            self._wrong.pop(address, None)
        elif times >= MAX_WRONG:
            got, wait = f"{times} wrong keys in a minute", WRONG_SPAN // 1000
            raise Problem(429, "too_many_tries", got, "the right one", "wait a minute", retry_after=wait)
        if len(self._wrong) >= _MAX_ADDRESSES:
            self._wrong.clear()
        return address


def from_our_page(call: Call) -> bool:
    """Whether a request comes from a page of this very host and port, as the browser tells.

    ``Sec-Fetch-Site`` is the browser's own word, which no page can set and no proxy changes; over plain http browsers
    leave it out, and send ``Origin`` with whatever
    changes something. A change that says neither is refused.
    """
    site = call.headers.get(b"sec-fetch-site")
    if site is not None:
        return site in (b"same-origin", b"none")
    origin = call.headers.get(b"origin")
    if origin is not None:
        return origin.partition(b"://")[2] == call.headers.get(b"host", b"")
    return call.method == "GET"


def _token(call: Call) -> str:
    try:
        morsel = SimpleCookie(call.headers.get(b"cookie", b"")[:4096].decode("latin-1")).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel is not None else ""


def _cookie(token: str, life: int, call: Call) -> tuple[bytes, bytes]:
    secure = call.scope.get("scheme") == "https" or call.headers.get(b"x-forwarded-proto") == b"https"
    text = f"{COOKIE}={token}; Path=/; Max-Age={life}; HttpOnly; SameSite=Strict" + ("; Secure" if secure else "")
    return b"set-cookie", text.encode()


def routes(sessions: Sessions) -> Any:
    """The doors, all public: they are where a key is shown."""
    return {
        "/v1/session": {
            "GET": (sessions.who, True),
            "POST": (sessions.sign_in, True),
            "DELETE": (sessions.sign_out, True),
        }
    }
