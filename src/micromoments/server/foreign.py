"""What the doors of other protocols have in common: credentials in their headers, and errors in their words."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from micromoments.server.http import Call, Reply
from micromoments.server.keys import Access, Keys
from micromoments.server.problem import Problem, problem_of

Handler = Callable[[Call, Access], Awaitable[Reply | None]]
"""A door: answers, or has answered itself (``None``)."""
Routes = dict[str, dict[str, tuple[Handler, bool]]]
"""Doors by path (a star for each name in it), then method; with each, whether the app asks for no key itself."""
Words = Callable[[Problem, Call], Reply]
"""How a protocol says what went wrong."""

log = logging.getLogger("micromoments.server")


def in_words(door: Callable[[Call], Awaitable[Reply | None]], words: Words) -> tuple[Handler, bool]:
    """A door that sees to its own credentials, and whose errors are told in its protocol's words."""

    async def answer(call: Call, _access: Access) -> Reply | None:
        try:
            return await door(call)
        except Exception as error:
            problem = problem_of(error)
            if problem.status == 500:
                log.exception("an error of ours at %s", "/".join(call.path[:3]))
            return words(problem, call)

    return answer, True


def credential(keys: Keys, call: Call, *names: bytes) -> Access:
    """Who asks, by ``Authorization`` (Basic or Bearer, a bare write key too) or one of these headers.

    Raises:
        Problem: ``no_valid_key``; or, without keys, a page or host of elsewhere.
    """
    if keys.open:
        keys.check_loopback(call.headers)
    authorization = call.headers.get(b"authorization")
    access = keys.of(authorization)
    if access is None and authorization is not None:
        scheme, _, token = authorization.decode("latin-1").partition(" ")
        access = keys.of_key(token.strip()) if scheme.lower() == "bearer" else None
    for name in names:
        if access is None and (value := call.headers.get(name)):
            text = value.decode("latin-1")
            access = keys.of_key(text) or keys.of_bearer(text)
    if access is None:
        wanted = " or ".join(["Authorization", *(name.decode() for name in names)])
        raise Problem(401, "no_valid_key", "no credential that is known", f"a key of the project in {wanted}")
    return access


def confirmed(access: Access, user: object, type: str = "track") -> bool:
    """Whether the sender proved that an event is this user's; a person's token joins nobody else to them."""
    return access.whole or (access.who == "person" and user == access.subject and type != "alias")


def sender(call: Call) -> tuple[str, str]:
    """The request's user agent and address."""
    client = call.scope.get("client")
    return call.headers.get(b"user-agent", b"").decode("latin-1"), client[0] if client else ""
