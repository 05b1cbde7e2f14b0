"""Who may do what: keys, person tokens, and a loopback without keys."""

from __future__ import annotations

import logging

import jwt
import pytest

from micromoments.server.keys import MAX_TOKEN_LIFE, Keys
from micromoments.server.run import check_reach, is_loopback
from tests.server.asgi import SECRET_KEY, TOKEN_KEY, Client, basic
from tests.server.conftest import token
from tests.server.fake import NOW, FakeService

READS = [
    ("GET", "/v1/people/ana/moments"),
    ("GET", "/v1/people/anon:a/moments"),
    ("GET", "/v1/people/ana/export"),
    ("DELETE", "/v1/people/ana"),
    ("GET", "/v1/stream"),
    ("GET", "/v1/stream?person=ana"),
    ("GET", "/v1/decisions/d1"),
    ("GET", "/v1/items"),
    ("GET", "/v1/reports/lift"),
]


@pytest.mark.parametrize(("method", "path"), READS)
async def test_write_key_reads_nothing(browser: Client, method: str, path: str) -> None:
    """The public key proves no identity; the refusal says what to use instead."""
    answer = await browser(method, path)
    assert answer.status == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["code"] in ("person_token_needed", "secret_key_needed")
    assert "secret key" in answer.json["wanted"]
    assert answer.json["next"]


@pytest.mark.parametrize(("method", "path"), [*READS, ("POST", "/v1/decide")])
async def test_no_key_is_401(anyone: Client, method: str, path: str) -> None:
    """Without a credential every door but the public ones is shut, and says how it opens."""
    answer = await anyone(method, path)
    assert (answer.status, answer.json["code"]) == (401, "no_valid_key")
    assert "www-authenticate" in answer.headers


async def test_token_opens_its_own_person_only(ana: Client) -> None:
    """A person reads their own moments and data and nobody else's."""
    assert (await ana("GET", "/v1/people/ana/moments")).status == 200
    assert (await ana("GET", "/v1/people/user:ana/export")).status == 200
    for path in ("/v1/people/bob/moments", "/v1/people/anon:ana/moments", "/v1/people/bob/export"):
        answer = await ana("GET", path)
        assert (answer.status, answer.json["code"]) == (403, "not_your_data")
    assert (await ana("DELETE", "/v1/people/bob")).status == 403
    assert (await ana("GET", "/v1/items")).status == 403


@pytest.mark.parametrize(
    "bad",
    [
        token("ana", life=-1),
        token("ana", life=MAX_TOKEN_LIFE + 60),
        token("ana", life=60, iat=NOW / 1000 - 2 * MAX_TOKEN_LIFE),
        token("ana", nbf=NOW / 1000 + 120),
        token("ana", nbf="soon"),
        token("ana", key="another key of thirty-two bytes!"),
        token(""),
        token("a\nb"),
        jwt.encode({"sub": "ana"}, TOKEN_KEY, algorithm="HS256"),
        jwt.encode({"exp": NOW / 1000 + 60}, TOKEN_KEY, algorithm="HS256"),
        jwt.encode({"sub": "ana", "exp": NOW / 1000 + 60}, "", algorithm="none"),
        jwt.encode({"sub": "ana", "exp": NOW / 1000 + 60}, TOKEN_KEY + TOKEN_KEY, algorithm="HS512"),
        "a.b.c",
        "..",
    ],
)
async def test_bad_tokens_are_nobody(anyone: Client, bad: str) -> None:
    """Expired, too long-lived, wrongly signed, unsigned, or of another algorithm: refused alike."""
    assert (await anyone("GET", "/v1/people/ana/moments", auth=f"Bearer {bad}")).status == 401


async def test_a_token_is_good_from_when_it_says(anyone: Client, service: FakeService) -> None:
    """Not before its nbf; a clock that is a little ahead of ours is forgiven."""
    early, now = token("ana", nbf=NOW / 1000 + 120), token("ana", nbf=NOW / 1000 + 30)
    assert (await anyone("GET", "/v1/people/ana/moments", auth=f"Bearer {now}")).status == 200
    assert (await anyone("GET", "/v1/people/ana/moments", auth=f"Bearer {early}")).status == 401
    service.now += 100_000
    assert (await anyone("GET", "/v1/people/ana/moments", auth=f"Bearer {early}")).status == 200


async def test_token_ends_when_it_says(ana: Client, service: FakeService) -> None:
    """A token that was good is no good any more after its exp, cached or not."""
    assert (await ana("GET", "/v1/people/ana/moments")).status == 200
    service.now += 601_000
    assert (await ana("GET", "/v1/people/ana/moments")).status == 401


async def test_several_keys_while_one_replaces_another(service: FakeService) -> None:
    """Old and new keys are good at one time."""
    keys = Keys(["w1", "w2"], ["s1", "s2"], clock=service.clock)
    for key, who in (("w1", "write"), ("w2", "write"), ("s1", "secret"), ("s2", "secret")):
        access = keys.of(basic(key).encode())
        assert access is not None
        assert access.who == who
    assert keys.of_bearer("w1") is None


def test_weak_keys_are_refused(service: FakeService) -> None:
    """A token key shorter than its hash, or an empty key, is a mistake to be told at the start."""
    with pytest.raises(ValueError, match="at least 32"):
        Keys(["w"], ["s"], ["short"], clock=service.clock)
    with pytest.raises(ValueError, match="empty key"):
        Keys([""], clock=service.clock)


async def test_without_keys_this_machine_may_do_everything(local: Client) -> None:
    """A developer needs no key at home."""
    assert (await local("POST", "/v1/track", {"event": "A", "userId": "u"})).status == 200
    assert (await local("POST", "/v1/decide", {"userId": "u", "slot": "home"})).status == 200
    assert (await local("GET", "/v1/people/u/moments")).status == 200
    assert (await local("GET", "/v1/items", headers=[("origin", "http://localhost:3000")])).status == 200


@pytest.mark.parametrize(
    "headers",
    [[("host", "evil.example")], [("origin", "https://evil.example")], [("origin", "null")], [("host", "")]],
)
async def test_without_keys_foreign_pages_may_do_nothing(
    local: Client, service: FakeService, headers: list[tuple[str, str]]
) -> None:
    """A page of elsewhere can't use a browser on this machine to reach in."""
    for method, path in (("POST", "/v1/track"), ("POST", "/v1/decide"), ("GET", "/v1/people/u/moments")):
        answer = await local(method, path, {"event": "A", "userId": "u", "slot": "home"}, headers=headers)
        assert answer.status == 403
    assert service.arrivals == []


def test_others_are_let_in_with_keys_only(service: FakeService) -> None:
    """An address that others reach, and no keys, is refused in words."""
    keys, none = Keys(["w"], ["s"], clock=service.clock), Keys(clock=service.clock)
    check_reach("0.0.0.0", keys)
    for host in ("127.0.0.1", "localhost", "::1"):
        assert is_loopback(host)
        check_reach(host, none)
    for host in ("0.0.0.0", "::", "192.168.1.2", "shop.example"):
        with pytest.raises(ValueError, match="MICROMOMENTS_SECRET_KEY"):
            check_reach(host, none)


async def test_nothing_secret_is_logged(backend: Client, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a key nor a whole id gets into the log."""
    caplog.set_level(logging.DEBUG)
    await backend("DELETE", "/v1/people/ana.long.name@example.com")
    assert "erased a person" in caplog.text
    assert "ana.long" not in caplog.text
    assert SECRET_KEY not in caplog.text
