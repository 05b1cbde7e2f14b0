"""Who is asking, and what they may do: write keys, secret keys, person tokens, and a loopback without keys.

A write key is public and proves nothing about a person. A secret key is the business's own server. A person token is a
JWT that the business's server signed for one ``sub``. Comparisons take constant time; nothing here is ever logged.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import jwt
import msgspec

from micromoments.core.event import GPC, TRUSTED, Millis
from micromoments.server.problem import Problem

MAX_TOKEN_LIFE = 3600
"""Seconds that a person token may be good for from now."""
SKEW: Millis = 60_000
"""How far the clock of whoever signs tokens may be ahead: so much before its ``nbf`` a token is good."""
MIN_TOKEN_KEY = 32
"""Bytes of a key that signs tokens (RFC 7518, section 3.2: as long as the hash)."""
MAX_HEADER = 4096
_MAX_KNOWN = 4096
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})

Who = Literal["write", "secret", "person", "open"]


class Access(msgspec.Struct, frozen=True):
    """What a credential allows. ``subject`` is a token's person; ``marks`` go on every event that comes with it.

    ``session`` is true of a page that signed in with a secret key, ``name`` what who signed in calls themselves;
    ``until`` is when a token or a session ends (0: no end).
    """

    who: Who
    subject: str = ""
    marks: int = 0
    session: bool = False
    name: str = ""
    until: Millis = 0

    @property
    def whole(self) -> bool:
        """Whether everything is allowed: the business's own server, or its own machine."""
        return self.who in ("secret", "open")


WRITE = Access("write")
SECRET = Access("secret", marks=TRUSTED)
OPEN = Access("open", marks=TRUSTED)


def as_sent(access: Access, headers: Mapping[bytes, bytes]) -> Access:
    """The access with a mark on its events where the request carries Global Privacy Control.

    Source: W3C "Global Privacy Control", "The Sec-GPC header field": its one value is 1.
    """
    if headers.get(b"sec-gpc") != b"1":
        return access
    return msgspec.structs.replace(access, marks=access.marks | GPC)


class Keys:
    """The keys of a project. Without any, everything on this machine is allowed and nothing from elsewhere.

    Raises:
        ValueError: a token key that is too short to be safe, or an empty key.
    """

    def __init__(
        self,
        write: Sequence[str] = (),
        secret: Sequence[str] = (),
        token: Sequence[str] = (),
        *,
        clock: Callable[[], Millis],
    ) -> None:
        if not all((*write, *secret, *token)):
            raise ValueError("got an empty key; wanted at least one character, and for a secret key many")
        if short := [key for key in token if len(key.encode()) < MIN_TOKEN_KEY]:
            raise ValueError(
                f"got a token key of {len(short[0].encode())} bytes; wanted at least {MIN_TOKEN_KEY}: "
                "make one with `openssl rand -hex 32`"
            )
        self._write = [_digest(key) for key in write]
        self._secret = [_digest(key) for key in secret]
        self._token = tuple(token)
        self._clock = clock
        self._origins: frozenset[str] = frozenset()
        self.open = not (write or secret or token)
        self.known: dict[bytes | None, Access] = {None: OPEN} if self.open else {}
        self._tokens: dict[str, tuple[Access, Millis]] = {}
        self._hosts: set[bytes] = set()

    @classmethod
    def copied(
        cls, write: Sequence[bytes], secret: Sequence[bytes], token: Sequence[str], *, clock: Callable[[], Millis]
    ) -> Keys:
        """The keys that ``copy`` gave, in another process of ours."""
        keys = cls((), (), token, clock=clock)
        keys._write, keys._secret = list(write), list(secret)
        keys.open = not (write or secret or token)
        keys.known = {None: OPEN} if keys.open else {}
        return keys

    def copy(self) -> tuple[list[bytes], list[bytes], list[str]]:
        """(digests of the write keys, digests of the secret keys, token keys), for ``copied``."""
        return list(self._write), list(self._secret), list(self._token)

    def allow_origins(self, origins: Sequence[str]) -> None:
        """Let pages of these origins call a server without keys too."""
        self._origins = frozenset(origins)

    def of(self, authorization: bytes | None) -> Access | None:
        """Who an ``Authorization`` header shows; ``None`` without one, or for one that is no good."""
        if authorization is None:
            return OPEN if self.open else None
        access = self.known.get(authorization)
        if access is not None:
            return access
        if len(authorization) > MAX_HEADER:
            return None
        scheme, _, rest = authorization.decode("latin-1").partition(" ")
        rest = rest.strip()
        match scheme.lower():
            case "basic":
                access = self.of_key(_basic_user(rest))
            case "bearer":
                access = self.of_bearer(rest)
        if access is not None and access.who != "person":
            if len(self.known) >= _MAX_KNOWN:
                self.known.clear()
            self.known[authorization] = access
        return access or (OPEN if self.open else None)

    def of_key(self, key: object) -> Access | None:
        """Who a bare key shows: a write key, or a secret key where a client can only send a write key's header."""
        if self.open:
            return OPEN
        if not isinstance(key, str) or not key or len(key) > MAX_HEADER:
            return None
        digest = _digest(key)
        secret = _among(digest, self._secret)
        write = _among(digest, self._write)
        return SECRET if secret else WRITE if write else None

    def of_bearer(self, token: str) -> Access | None:
        """Who a bearer credential shows: a secret key, or the person of a token."""
        if _among(_digest(token), self._secret):
            return SECRET
        return self._of_token(token) if token.count(".") == 2 else None

    def elsewhere(self, authorization: bytes) -> bool:
        """Whether a header that shows nobody is a Bearer of another server, such as Segment's OAuth token, which comes
        beside the write key in the body; a person token (HS256) that is no good isn't.
        """
        scheme, _, token = authorization[:MAX_HEADER].decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            return False
        try:
            return jwt.get_unverified_header(token.strip()).get("alg") != "HS256"
        except (jwt.PyJWTError, ValueError, RecursionError):
            return bool(token.strip())

    def is_secret_key(self, key: str) -> bool:
        """Whether this is one of the secret keys."""
        return _among(_digest(key), self._secret)

    def is_write_key(self, key: str) -> bool:
        """Whether this is one of the public keys (any is, where there are none)."""
        return self.open or _among(_digest(key), self._write)

    def _of_token(self, token: str) -> Access | None:
        now = self._clock()
        known = self._tokens.get(token)
        if known is None:
            known = self._verify(token)
            if known is None:
                return None
            if len(self._tokens) >= _MAX_KNOWN:
                self._tokens.clear()
            self._tokens[token] = known
        access, until = known
        return access if now < until <= now + MAX_TOKEN_LIFE * 1000 else None

    def _verify(self, token: str) -> tuple[Access, Millis] | None:
        for key in self._token:
            try:
                # The clock is ours (an argument), so the library checks all but the time.
                claims: dict[str, Any] = jwt.decode(
                    token,
                    key,
                    algorithms=["HS256"],
                    options={
                        "require": ["exp", "sub"],
                        "verify_exp": False,
                        "verify_nbf": False,
                        "verify_iat": False,
                        "verify_aud": False,
                    },
                )
            except (jwt.PyJWTError, ValueError, RecursionError):
                continue
            subject, until, since, begins = claims["sub"], claims["exp"], claims.get("iat", 0), claims.get("nbf", 0)
            if not all(map(_is_instant, (until, since, begins))) or (since and until - since > MAX_TOKEN_LIFE):
                continue
            if begins * 1000 > self._clock() + SKEW:
                continue
            if isinstance(subject, str) and 0 < len(subject) <= 256 and subject.isprintable():
                ends = int(until * 1000)
                return Access("person", subject, until=ends), ends
        return None

    def check_loopback(self, headers: dict[bytes, bytes]) -> None:
        """Without keys: refuse a page of elsewhere that a browser on this machine was led to (DNS rebinding, forms).

        Raises:
            Problem: the ``Host`` or ``Origin`` is not this machine's, nor a configured origin.
        """
        host = headers.get(b"host", b"")
        if host not in self._hosts:
            if _host_name(host.decode("latin-1")) not in _LOOPBACK:
                raise Problem(
                    403,
                    "foreign_host",
                    "a Host that is not this machine's, while the server runs without keys",
                    "localhost, 127.0.0.1 or [::1]",
                    "use one of these, or give the server a write and a secret key",
                )
            if len(self._hosts) < 64:
                self._hosts.add(host)
        origin = headers.get(b"origin")
        if origin is not None:
            self._check_origin(origin.decode("latin-1"))

    def _check_origin(self, origin: str) -> None:
        if origin in self._origins or _host_name(origin.partition("://")[2]) in _LOOPBACK:
            return
        raise Problem(
            403,
            "foreign_origin",
            "a page of another origin, while the server runs without keys",
            "a page of this machine, or of a configured origin",
            "add it to `origins` in micromoments.toml, or give the server keys",
        )


def require_whole(access: Access) -> None:
    """Refuse whoever isn't the business itself.

    Raises:
        Problem: ``secret_key_needed``.
    """
    if not access.whole:
        raise Problem(
            403,
            "secret_key_needed",
            f"a {_said(access)}",
            "a secret key",
            "ask from your own server, with the header Authorization: Bearer and the secret key",
        )


def require_person(access: Access, key: str) -> None:
    """Refuse whoever is neither the business nor the person of ``key`` (``user:<id>`` or ``anon:<id>``).

    Raises:
        Problem: ``person_token_needed`` or ``not_your_data``.
    """
    if access.whole:
        return
    if access.who == "write":
        raise Problem(
            403,
            "person_token_needed",
            "a write key, which is public and proves no identity",
            "a person token or a secret key",
            "have your server sign a JWT (HS256) with sub and an exp within the hour, and send it as a Bearer token",
        )
    if key != f"user:{access.subject}":
        raise Problem(403, "not_your_data", "a token of another person", "the token of the person asked about")


def _said(access: Access) -> str:
    return {"write": "write key, which is public", "person": "person token"}.get(access.who, "key")


def _digest(key: str) -> bytes:
    """A fixed length, so that comparing takes the same time whatever the key."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def _among(digest: bytes, digests: Sequence[bytes]) -> bool:
    found = False
    for known in digests:
        found |= hmac.compare_digest(digest, known)
    return found


def _basic_user(encoded: str) -> str | None:
    """The user of a Basic header; the colon after it may be missing."""
    try:
        text = base64.b64decode(encoded, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    return text.partition(":")[0] or None


def _is_instant(value: object) -> bool:
    """A JWT's NumericDate: seconds, to the year 5138."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e11


def _host_name(host: str) -> str:
    """The name of ``name:port``; brackets of IPv6 stay."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].lower()
