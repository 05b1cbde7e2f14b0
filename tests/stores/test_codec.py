"""Encoding: equal back, every flipped bit found, foreign versions named."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micromoments.core.event import Event
from micromoments.core.item import Item
from micromoments.core.person import Person, Stamp, Trait
from micromoments.core.record import EventRecord, ItemRecord
from micromoments.ports import Corrupt, Later
from micromoments.stores.embedded import codec
from micromoments.testing.generators import event_fact, event_record, mid, person, records

GROUP = codec.encode_group(records(1))
PERSON = codec.encode(person(1))
FACTS = codec.encode_facts([event_fact(1)])


def test_a_group_comes_back_equal() -> None:
    """Every kind of record survives encoding, and the same records give the same bytes."""
    assert codec.decode_group(GROUP) == records(1)
    assert codec.encode_group(records(1)) == GROUP


def test_the_decoded_event_is_not_stored() -> None:
    """A stored event is its body; what was decoded from it is decoded again."""
    lying = EventRecord(
        key="anon:x",
        at=1,
        occurred=1,
        message_id="m",
        mid=1,
        nonce=1,
        body=b'{"type":"page"}',
        event=Event(type="track"),
    )
    (back,) = codec.decode_group(codec.encode_group([lying]))
    assert isinstance(back, EventRecord)
    assert back.event == Event(type="page")


def test_message_hashes_are_read_alone() -> None:
    """The hashes and arrivals of a group's events are read without the rest; other kinds have none."""
    group = codec.encode_group([*records(1), event_record(2)])
    assert list(codec.group_mids(group)) == [(mid(1), event_record(1).at), (mid(2), event_record(2).at)]


@given(st.integers(0, 8 * len(GROUP) - 1))
def test_any_flipped_bit_of_a_group_is_found(bit: int) -> None:
    """One flipped bit anywhere in a group is Corrupt, never another record."""
    bad = bytearray(GROUP)
    if 40 <= bit < 64:
        return  # three bytes that are always zero and never read
    bad[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Corrupt):
        codec.decode_group(bytes(bad))


@given(st.integers(0, 8 * len(PERSON) - 1))
def test_any_flipped_bit_of_a_person_is_found(bit: int) -> None:
    """One flipped bit anywhere in a person is Corrupt, never another person."""
    bad = bytearray(PERSON)
    bad[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Corrupt):
        codec.decode(Person, bytes(bad))


@given(st.binary(max_size=80))
def test_foreign_bytes_are_refused(body: bytes) -> None:
    """Bytes that were never written by us are Corrupt in every frame."""
    for read in (codec.decode_group, codec.unseal, codec.fact_rows):
        with pytest.raises(Corrupt):
            read(body)


def test_a_shortened_frame_is_refused() -> None:
    """A frame that lost its end is Corrupt."""
    for cut in (0, 5, 19, 20, len(GROUP) - 1):
        with pytest.raises(Corrupt):
            codec.decode_group(GROUP[:cut])


def test_a_newer_version_is_named() -> None:
    """A frame of a later format says its version and what reads it."""
    for newer, read in ((GROUP[:3] + b"\x09" + GROUP[4:], codec.decode_group), (b"\x09" + PERSON[1:], codec.unseal)):
        with pytest.raises(Corrupt, match=r"version 9.*a newer release wrote it: install that one"):
            read(newer)


def test_facts_come_back_as_structs_and_as_rows() -> None:
    """A frame of facts gives equal facts, or their fields in order."""
    assert codec.decode_facts("events", FACTS) == [event_fact(1)]
    assert codec.fact_rows(FACTS) == [[getattr(event_fact(1), name) for name in event_fact(1).__struct_fields__]]


@given(st.integers())
def test_a_whole_number_of_any_size_can_be_kept(number: int) -> None:
    """JSON's numbers past 64 bits are kept as floats; smaller ones exactly."""
    someone = Person(id="anon:x", surrogate=1, traits={"n": Trait(Stamp(1, 1), {"deep": [number]})})
    back = codec.decode(Person, codec.encode(someone)).traits["n"].value["deep"][0]
    assert back == number if -(2**63) <= number < 2**64 else math.isclose(back, float(number))


def test_a_group_that_could_not_be_read_again_is_not_written() -> None:
    """A number past 64 bits where only a whole one is read fails when it is written, not at the next start."""
    item = Item(id="x", kind="product", title="X", stock=10**30)
    with pytest.raises(msgspec.ValidationError, match="Expected `int"):
        codec.encode_group([ItemRecord(key="x", at=1, item=item)])
    plain = ItemRecord(key="x", at=1, item=msgspec.structs.replace(item, stock=1, attributes={"n": 10**30}))
    (back,) = codec.decode_group(codec.encode_group([plain]))
    assert isinstance(back, ItemRecord)
    assert back.item is not None
    assert back.item.attributes == {"n": 1e30}


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_json_trait_can_be_kept(value: object) -> None:
    """Whatever JSON a trait holds, encoding it twice gives the same bytes."""
    someone = Person(id="anon:x", surrogate=1, traits={"n": Trait(Stamp(1, 1), value)})
    body = codec.encode(someone)
    assert codec.encode(codec.decode(Person, body)) == body


def test_a_newer_value_is_read_and_never_taken_for_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value with more fields is read by who says that it won't write it; others are told of a newer release."""
    known = person(2)
    with monkeypatch.context() as newer:
        newer.setattr(codec, "LEVEL", 3)
        plain, packed = codec.encode(known), codec.encode(_busy())
    for body, value in ((plain, known), (packed, _busy())):
        assert codec.decode(Person, body, later=True) == value
        with pytest.raises(Later, match="newer release"):
            codec.decode(Person, body)
        with pytest.raises(Corrupt, match="checksum"):
            codec.decode(Person, body[:-1] + bytes([body[-1] ^ 1]), later=True)


def _busy() -> Person:
    """Somebody large enough to be packed."""
    return Person(id="user:a", surrogate=1, bought={f"item-{n}": n for n in range(500)})


def test_a_record_of_an_unknown_kind_is_a_newer_releases(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind of record that this release doesn't know is told from damage."""
    monkeypatch.setattr(codec, "_wire", lambda record: (7, record.key, record.at))
    with pytest.raises(Later, match="kind 7"):
        codec.decode_group(codec.encode_group(records(1)))
