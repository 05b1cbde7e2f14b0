"""The Segment shape: what is taken whole, what is mended, what is refused, and when it happened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micromoments.core.event import Event
from micromoments.sources import segment
from micromoments.sources.lenient import Rejected
from micromoments.sources.wire import MAX_DEPTH

NOW = 1_795_448_665_000


def call(payload: dict[str, Any], kind: Any = None) -> Any:
    """One call, read."""
    return segment.call(kind, json.dumps(payload).encode(), NOW)


def refused(payload: dict[str, Any], kind: Any = None) -> str:
    """The code that a call is refused with."""
    with pytest.raises(Rejected) as caught:
        call(payload, kind)
    return caught.value.code


def test_conformance_files_are_taken_whole_and_unchanged(shared: Path) -> None:
    """All eleven events of Segment's own tester come out as they went in, byte for byte."""
    files = sorted((shared / "conformance" / "segment").glob("*.json"))
    for file in files:
        body = file.read_bytes()
        arrival = segment.call(json.loads(body)["type"], body, NOW)
        assert arrival.body == body
        assert arrival.event.type == json.loads(body)["type"]
    assert len(files) == 11


def test_body_stays_as_sent_when_it_is_in_the_shape() -> None:
    """Spaces, order and unknown fields of a sound event survive."""
    body = b'{ "userId":"u", "mine": {"a": [1, 2]}, "event":"A" , "type":"track"}'
    assert segment.call("track", body, NOW).body == body


def test_type_comes_from_the_path() -> None:
    """A call without a type, or with another, is what its path says."""
    bare = segment.call("track", b'{"event":"A","userId":"u"}', NOW)
    assert bare.body == b'{"type":"track","event":"A","userId":"u"}'
    other = call({"type": "purchase", "event": "A", "userId": "u"}, "track")
    assert json.loads(other.body)["type"] == "track"


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"type": "track", "event": "A"}, "no_user_anon_id"),
        ({"type": "track", "event": "A", "userId": ""}, "no_user_anon_id"),
        ({"type": "track", "userId": "u"}, "no_event_name"),
        ({"type": "track", "event": "", "userId": "u"}, "no_event_name"),
        ({"type": "track", "event": {"a": 1}, "userId": "u"}, "invalid_event"),
        ({"type": "track", "event": "A", "userId": "x" * 257}, "invalid_user_id"),
        ({"type": "track", "event": "A", "userId": "a\nb"}, "invalid_user_id"),
        ({"type": "track", "event": "A", "userId": ["u"]}, "invalid_user_id"),
        ({"type": "track", "event": "A", "anonymousId": True}, "invalid_anonymous_id"),
        ({"type": "track", "event": "A", "userId": "u", "messageId": "m" * 101}, "invalid_message_id"),
        ({"type": "track", "event": "A", "userId": "u", "properties": [1]}, "invalid_properties"),
        ({"type": "alias", "userId": "u"}, "no_previous_id"),
        ({"type": "alias", "previousId": "p", "anonymousId": "a"}, "no_user_id"),
        ({"type": "group", "userId": "u"}, "no_group_id"),
        ({"type": "purchase", "userId": "u"}, "invalid_type"),
        ({"userId": "u"}, "invalid_type"),
    ],
)
def test_what_must_be_right_is_refused_by_code(payload: dict[str, Any], code: str) -> None:
    """Each fault has its own stable code."""
    assert refused(payload) == code


@pytest.mark.parametrize(
    "body", [b'{"type":null,"userId":"a","event":"x"}', b'{"\\u0074ype":null,"userId":"a","event":"x"}']
)
def test_a_type_of_null_can_be_read_again(body: bytes) -> None:
    """The path's type takes its place in the stored body, which would else spoil the whole log."""
    taken = segment.call("track", body, NOW)
    assert msgspec.json.decode(taken.body, type=Event).type == "track"


def test_obvious_meanings_are_mended() -> None:
    """Numbers as ids, null objects and epoch timestamps are taken for what they mean."""
    got = call(
        {
            "type": "track",
            "event": "A",
            "userId": 12345,
            "properties": None,
            "timestamp": NOW - 5000,
            "mine": [1],
        }
    )
    assert got.event.user_id == "12345"
    assert got.event.properties == {}
    assert got.occurred == NOW - 5000
    assert json.loads(got.body)["mine"] == [1]


def test_every_stored_body_decodes_to_its_event() -> None:
    """The log keeps only the body, so the body must give the same event again."""
    import msgspec

    for payload in ({"type": "page", "userId": 7, "name": 3}, {"type": "track", "event": "A", "anonymousId": "a"}):
        got = call(payload)
        assert msgspec.json.decode(got.body, type=Event) == got.event


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'{"a":1}x',
        b'{"type":"track","userId":"u","event":"\xff"}',
        b'{"type":"track","userId":"u","event":"A","x":"\xff"}',
        b'{"type":"track","userId":"u","event":"A","x":1e999}',
        b'{"type":"track","userId":"u","event":"A","properties":{"x":123456789012345678901234}}',
        b'{"type":"track","userId":"u","event":"A","x":[123456789012345678901234]}',
        b'{"type":"track","userId":"u","event":"A","x":' + b"[" * 9000 + b"]" * 9000 + b"}",
        b'{"type":"track","userId":"u","event":"A","x":' + b"[" * 80 + b"]" * 80 + b"}",
    ],
)
def test_unsound_bodies_never_get_in(body: bytes) -> None:
    """Broken JSON, broken text, numbers and nesting that later readers could not take are refused at the door."""
    with pytest.raises(Rejected) as caught:
        segment.call("track", body, NOW)
    assert caught.value.code in ("malformed_json", "not_an_object", "too_deep", "number_out_of_range")


def test_nesting_within_the_limit_is_taken() -> None:
    """Real nesting passes, as deep as is promised."""
    depth = MAX_DEPTH - 3
    body = b'{"type":"track","userId":"u","event":"A","properties":{"x":' + b"[" * depth + b"]" * depth + b"}}"
    assert segment.call("track", body, NOW).body == body


def test_size_is_bounded() -> None:
    """An event above 32 KB is refused."""
    assert refused({"type": "track", "event": "A", "userId": "u", "x": "y" * segment.MAX_EVENT}) == "too_large"


def test_clock_of_the_client_is_corrected() -> None:
    """A phone that is an hour slow reports events at the right time all the same."""
    slow = {"type": "track", "event": "A", "userId": "u"}
    near = slow | {"timestamp": "2026-11-23T14:44:20.000Z", "sentAt": "2026-11-23T14:44:25.500Z"}
    assert call(near).occurred == NOW - 5500
    far = slow | {"originalTimestamp": "2026-11-23T13:00:00+00:00", "sentAt": "2026-11-23T14:00:00.000Z"}
    assert call(far).occurred == NOW - 3_600_000


@pytest.mark.parametrize(
    ("stamp", "sent", "expected"),
    [
        (None, None, NOW),
        ("rubbish", "2026-11-23T15:44:25.000Z", NOW),
        ("2026-11-23T15:44:20.000Z", "rubbish", NOW),
        ("2099-01-01T00:00:00Z", None, NOW),
        ("0001-01-01T00:00:00Z", None, NOW),
        ("2020-01-01T00:00:00Z", None, 1_577_836_800_000),
        ("2026-11-23T15:44:nan   Z", "2026-11-23T15:44:25.000Z", NOW),
    ],
)
def test_odd_clocks_fall_back_to_arrival(stamp: str | None, sent: str | None, expected: int) -> None:
    """What can't be read, or lies in the future, happened when it arrived; history is believed."""
    clocks = {name: value for name, value in (("timestamp", stamp), ("sentAt", sent)) if value}
    assert call({"type": "track", "event": "A", "userId": "u", **clocks}).occurred == expected


@given(st.floats(0, 59.999), st.floats(0, 59.999))
def test_quick_age_agrees_with_dates(a: float, b: float) -> None:
    """Within a minute the seconds alone give the same age as reading both dates, to the millisecond."""
    stamps = [f"2026-11-23T15:44:{second:06.3f}Z" for second in (a, b)]
    if "60.000" in stamps[0] + stamps[1]:
        return
    first, second = (segment.instant(stamp) for stamp in stamps)
    assert first is not None
    assert second is not None
    assert segment._age(*stamps) == second - first


def test_batch_takes_the_good_and_names_the_bad() -> None:
    """One bad event doesn't cost the others; each rejection says where it stood."""
    body = {
        "batch": [
            {"type": "track", "event": "A", "userId": "u", "messageId": "m1"},
            {"type": "track", "userId": "u", "messageId": "m2"},
            7,
            {"type": "page", "anonymousId": "a"},
        ]
    }
    parsed = segment.batch(json.dumps(body).encode(), NOW)
    assert [a.event.type for a in parsed.arrivals] == ["track", "page"]
    assert [(r.index, r.message_id, r.code) for r in parsed.rejected] == [
        (1, "m2", "no_event_name"),
        (2, None, "not_an_object"),
    ]


def test_batch_shares_context_and_clock() -> None:
    """Batch-level context and integrations reach each event, which wins where both speak; sentAt corrects all."""
    body = {
        "context": {"ip": "1.2.3.4", "locale": "de"},
        "integrations": {"All": True},
        "sentAt": "2026-11-23T15:44:30.000Z",
        "batch": [
            {"type": "track", "event": "A", "userId": "u", "context": {"locale": "en"}},
            {"type": "track", "event": "B", "userId": "u", "timestamp": "2026-11-23T15:44:20.000Z"},
        ],
    }
    first, second = segment.batch(json.dumps(body).encode(), NOW).arrivals
    assert first.event.context == {"ip": "1.2.3.4", "locale": "en"}
    assert json.loads(second.body)["integrations"] == {"All": True}
    assert second.occurred == NOW - 10_000


def test_batch_shares_what_an_event_may_have() -> None:
    """A context as deep as an event's, PHP's array for an empty object, a clock in milliseconds; what no event could
    have refuses the batch.
    """
    deep: Any = "found"
    for _ in range(MAX_DEPTH - 4):
        deep = {"in": deep}
    event = {"type": "track", "event": "A", "userId": "u", "timestamp": "2026-11-23T15:00:00.000Z"}
    body: dict[str, Any] = {"context": {"deep": deep}, "integrations": [], "sentAt": NOW - 60_000, "batch": [event]}
    (one,) = segment.batch(json.dumps(body).encode(), NOW).arrivals
    assert one.event.context == {"deep": deep}
    assert one.occurred == NOW - (NOW - 60_000 - 1_795_446_000_000)
    for context, code in (({"n": 2**64}, "number_out_of_range"), (["x"], "malformed_batch"), ("x", "malformed_batch")):
        with pytest.raises(segment.Malformed, match=code):
            segment.batch(json.dumps({**body, "context": context}).encode(), NOW)


def test_php_writes_an_array_for_an_empty_object() -> None:
    """An empty array where an object is wanted is an empty object; one that holds something is refused."""
    for field in ("properties", "traits", "context"):
        arrival = call({"event": "A", "userId": "u", field: []}, "track")
        assert getattr(arrival.event, field) == {}
        assert refused({"event": "A", "userId": "u", field: ["x"]}, "track") == f"invalid_{field}"


def test_batch_limits() -> None:
    """Too many events, too many bytes, or something else than a batch is refused whole."""
    for body, code in (
        (b'{"batch":[' + b",".join([b"{}"] * 2501) + b"]}", "too_many_events"),
        (b'{"batch":[]}' + b" " * segment.MAX_BATCH, "too_large"),
        (b'{"batch":7}', "malformed_batch"),
        (b"[]", "malformed_batch"),
        (b'{"batch":' + b"[" * 50_000, "malformed_batch"),
    ):
        with pytest.raises(segment.Malformed) as caught:
            segment.batch(body, NOW)
        assert caught.value.code == code


def test_shared_context_can_not_become_a_flood() -> None:
    """A small request whose context is copied into thousands of events is cut off at a bound."""
    one = '{"type":"track","event":"A","userId":"u"}'
    body = f'{{"context":{{"x":"{"y" * 30_000}"}},"batch":[{",".join([one] * 2400)}]}}'.encode()
    parsed = segment.batch(body, NOW)
    assert sum(len(a.body) for a in parsed.arrivals) <= segment.MAX_MERGED
    assert {r.code for r in parsed.rejected} == {"too_large"}


def test_message_id_is_assigned_when_missing() -> None:
    """Every arrival has an id to be known by."""
    first, second = (call({"type": "track", "event": "A", "userId": "u"}).message_id for _ in range(2))
    assert first != second


def test_payload_door_for_python() -> None:
    """A dictionary is taken like its JSON, and refused with a ValueError that says why."""
    got = segment.arrival({"type": "track", "event": "A", "userId": "u"}, received_at=NOW, confirmed=True)
    assert got.confirmed
    with pytest.raises(ValueError, match="neither userId nor anonymousId"):
        segment.arrival({"type": "track", "event": "A"}, received_at=NOW)
    with pytest.raises(ValueError, match="JSON can't hold"):
        segment.arrival({"type": "track", "event": "A", "userId": "u", "x": object()}, received_at=NOW)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = ["type", "userId", "anonymousId", "messageId", "event", "properties", "context", "timestamp", "sentAt", "x"]


@given(st.dictionaries(st.sampled_from(_FIELDS), _JSON))
def test_any_object_is_taken_or_refused(payload: dict[str, Any]) -> None:
    """Whatever JSON comes, it gives an arrival whose body decodes, or a rejection; never another error."""
    import msgspec

    try:
        got = segment.call("track", json.dumps(payload).encode(), NOW)
    except Rejected:
        return
    assert msgspec.json.decode(got.body, type=Event) == got.event
    assert 0 < got.occurred <= NOW


WORDS = st.text(st.characters(), max_size=8)
SLIPS: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
"""Any values, among them halves of surrogate pairs, NaN and infinities."""


@given(st.dictionaries(WORDS, SLIPS, max_size=5), st.sampled_from([b"", b"\xef\xbb\xbf"]))
def test_what_writers_take_for_json_spoils_nothing(properties: dict[str, Any], mark: bytes) -> None:
    """Half an emoji becomes U+FFFD, NaN and infinities become null, a byte order mark is no part of it; alone and in a
    batch, whose other events are taken as well. What was kept is JSON, and so is what is read of it.
    """
    payload = {"type": "track", "event": "Cut", "userId": "ana", "properties": properties}
    body = json.dumps(payload).encode()
    parsed = segment.batch(b'%b{"batch":[%b,%b]}' % (mark, body, body), NOW)
    assert parsed.rejected == []
    assert len(parsed.arrivals) == 2
    for arrival in (segment.call("track", mark + body, NOW), *parsed.arrivals):
        kept = json.loads(arrival.body.decode(), parse_constant=pytest.fail)
        assert kept["properties"] == arrival.event.properties
        assert len(kept["properties"]) <= len(properties)


@pytest.mark.parametrize(
    ("said", "kept"),
    [(b'"\\ud83d"', "\ufffd"), (b'"\\ud83d\\ude00"', "\U0001f600"), (b'"\\\\ud83d"', "\\ud83d"), (b"NaN", None)],
)
def test_half_an_emoji_is_one_letter_that_was_lost(said: bytes, kept: str | None) -> None:
    """A pair stays a pair, and a backslash that only looks like one stays as well."""
    body = b'{"event":"A","userId":"u","properties":{"q":%b,"n":1.5}}' % said
    assert segment.call("track", body, NOW).event.properties == {"q": kept, "n": 1.5}
