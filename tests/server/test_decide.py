"""``decide`` and its explanation: the exact reply, whose history is used, and one answer for one id."""

from __future__ import annotations

import msgspec
import pytest

from micromoments.ports import Corrupt, StoreError
from micromoments.server import shapes
from micromoments.server.service import LogDown, Overloaded
from tests.server.asgi import Client
from tests.server.fake import NOW, FakeService

ASK = {"anonymousId": "a", "slot": "home"}


async def test_reply_has_the_fixed_shape(browser: Client) -> None:
    """Every field that clients were promised is there, under its name."""
    answer = await browser("POST", "/v1/decide", ASK)
    assert answer.status == 200
    assert set(answer.json) == {
        "decisionId",
        "slot",
        "moment",
        "moments",
        "items",
        "propensity",
        "policy",
        "configVersion",
        "experiments",
        "holdout",
        "degraded",
    }
    assert set(answer.json["items"][0]) == {
        "id",
        "kind",
        "title",
        "score",
        "propensity",
        "reasons",
        "attributes",
    }
    assert {"id", "type", "probabilities", "need", "confidence", "urgency", "evidence", "expiresAt"} <= set(
        answer.json["moment"]
    )
    assert answer.json["moment"]["evidence"][0]["text"] == "searched 'trail shoes near me'"
    assert answer.json["policy"] == {"name": "thompson", "version": 7}
    assert msgspec.json.decode(answer.body, type=shapes.DecisionShape).slot == "home"


async def test_words_that_tell_are_answered(browser: Client) -> None:
    """What is being typed is answered with the words that tell, and for which type; without words nothing is added."""
    answer = await browser("POST", "/v1/decide", {**ASK, "context": {"query": "shoes on sale"}})
    assert answer.json["telling"] == [{"word": "sale", "type": "buy", "weight": 1.5}]
    answer = await browser("POST", "/v1/decide", {**ASK, "context": {"query": "shoes"}})
    assert "telling" not in answer.json


async def test_write_key_uses_one_unlinked_history(browser: Client, service: FakeService) -> None:
    """The public key decides for the anonymousId sent, and for no linked one."""
    await browser("POST", "/v1/decide", ASK)
    assert (service.requests[0].key, service.requests[0].linked) == ("anon:a", False)


async def test_write_key_decides_for_no_user(browser: Client, service: FakeService) -> None:
    """A userId needs a proof; the refusal says which."""
    for body in ({"userId": "ana", "slot": "home"}, {**ASK, "userId": "ana"}):
        answer = await browser("POST", "/v1/decide", body)
        assert (answer.status, answer.json["code"]) == (403, "person_token_needed")
    assert service.requests == []


async def test_token_and_secret_use_linked_history(ana: Client, backend: Client, service: FakeService) -> None:
    """Who proved the person may use all that is known of them."""
    await ana("POST", "/v1/decide", {"slot": "home"})
    await backend("POST", "/v1/decide", {"userId": "bob", "anonymousId": "b", "slot": "home"})
    assert [(r.key, r.linked) for r in service.requests] == [("user:ana", True), ("user:bob", True)]
    assert (await ana("POST", "/v1/decide", {"userId": "bob", "slot": "home"})).status == 403


async def test_same_id_and_body_same_answer(browser: Client) -> None:
    """A retry gets what it would have got, whatever the order of its fields; another body is a conflict."""
    body = {**ASK, "decisionId": "d1", "context": {"query": "x", "lat": 1}}
    first = await browser("POST", "/v1/decide", body)
    again = await browser("POST", "/v1/decide", dict(reversed(body.items())))
    assert again.json == first.json

    other = await browser("POST", "/v1/decide", {**body, "limit": 2})
    assert (other.status, other.json["code"]) == (409, "decision_conflict")


async def test_an_answer_with_history_is_not_given_to_the_public_key(backend: Client, browser: Client) -> None:
    """The same body under less right is another request."""
    body = {**ASK, "decisionId": "d1"}
    assert (await backend("POST", "/v1/decide", body)).status == 200
    assert (await browser("POST", "/v1/decide", body)).status == 409


async def test_event_is_recorded_first_and_once(browser: Client, service: FakeService) -> None:
    """An event that comes along is of the same person, is kept, and a retry keeps it once."""
    body = {**ASK, "decisionId": "d1", "event": {"event": "Products Searched", "properties": {"query": "x"}}}
    for _ in range(2):
        await browser("POST", "/v1/decide", body)
    (kept,) = service.arrivals
    assert (kept.event.type, kept.event.anonymous_id, kept.event.event) == ("track", "a", "Products Searched")
    bad = await browser("POST", "/v1/decide", {**ASK, "event": {"type": "track"}})
    assert (bad.status, bad.json["code"]) == (400, "no_event_name")


async def test_request_passes_on_what_was_asked(backend: Client, service: FakeService) -> None:
    """Context, limit and items reach the engine."""
    body = {"userId": "u", "slot": "home", "context": {"query": "q"}, "limit": 5, "items": ["p1", "p2"]}
    await backend("POST", "/v1/decide", body)
    request = service.requests[0]
    assert (request.context, request.limit, request.items, request.at) == ({"query": "q"}, 5, ("p1", "p2"), NOW)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "malformed_json"),
        (b"[]", "bad_request"),
        ({"slot": "home"}, "no_user_anon_id"),
        ({"anonymousId": "a"}, "bad_request"),
        ({**ASK, "slot": ""}, "bad_slot"),
        ({**ASK, "anonymousId": "x" * 300}, "bad_anonymousId"),
        ({**ASK, "limit": 0}, "bad_limit"),
        ({**ASK, "limit": 51}, "bad_limit"),
        ({**ASK, "limit": "3"}, "bad_request"),
        ({**ASK, "items": ["x"] * 1001}, "too_many_items"),
        ({**ASK, "items": [1]}, "bad_request"),
        ({**ASK, "context": []}, "bad_request"),
        ({**ASK, "decisionId": "a\nb"}, "bad_decisionId"),
        (b'{"anonymousId":"a","slot":"s","context":{"x":123456789012345678901234}}', "number_out_of_range"),
        (b'{"anonymousId":"a","slot":"s","context":' + b'{"x":' * 5000, "too_deep"),
    ],
)
async def test_bad_requests_are_named(browser: Client, body: object, code: str) -> None:
    """What can't be answered says what was got and what was wanted."""
    answer = await browser("POST", "/v1/decide", body)
    assert (answer.status, answer.json["code"]) == (400, code)
    assert answer.json["got"]
    assert answer.json["wanted"]


async def test_large_body_is_413(browser: Client) -> None:
    """Our own doors say so in HTTP's words."""
    answer = await browser("POST", "/v1/decide", b" " * 200_000)
    assert (answer.status, answer.json["code"]) == (413, "body_too_large")


async def test_failures_are_problems(browser: Client, service: FakeService) -> None:
    """Overload, a log that is down and a store that is away are told as what they are, to be tried again; an error of
    ours, bytes that fail their checksum among them, tells nothing of its inside.
    """
    for failure, status, code in (
        (Overloaded("x"), 429, "overloaded"),
        (LogDown("x"), 503, "log_unavailable"),
        (StoreError("inner secret"), 503, "store_unavailable"),
        (Corrupt("inner secret"), 500, "internal_error"),
        (RuntimeError("inner secret"), 500, "internal_error"),
    ):
        service.failure = failure
        answer = await browser("POST", "/v1/decide", ASK)
        assert (answer.status, answer.json["code"]) == (status, code)
        assert b"inner secret" not in answer.body


async def test_explained(backend: Client, ana: Client) -> None:
    """A decision can be asked why: what was considered, refused and why, scored, chosen."""
    await backend("POST", "/v1/decide", {"userId": "ana", "slot": "home", "decisionId": "d 1/x"})
    await backend("POST", "/v1/decide", {"userId": "bob", "slot": "home", "decisionId": "d2"})
    answer = await backend("GET", "/v1/decisions/d%201%2Fx")
    assert answer.json["considered"] == 2
    assert answer.json["refused"] == [{"id": "p2", "code": "closed", "detail": "closed until 9:00"}]
    assert answer.json["scored"] == [{"id": "p1", "score": 0.5, "propensity": 0.25}]
    assert answer.json["chosen"] == ["p1"]

    assert (await ana("GET", "/v1/decisions/d%201%2Fx")).status == 200
    assert (await ana("GET", "/v1/decisions/d2")).status == 404
    assert (await backend("GET", "/v1/decisions/none")).json["code"] == "no_such_decision"
