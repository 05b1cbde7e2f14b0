"""Records, people, facts and the like to bytes and back: versioned, checksummed, the same bytes for the same value.

Payloads are MessagePack with structs as arrays, so a field may be added at the end with a default and old bytes still
read. Two frames hold them (all numbers little-endian):

* a *group* (log groups, live facts): ``MM``, kind, version, codec, three zero bytes, count (u32), XXH3-64 of the
  payload seeded with the header's fields (u64), payload;
* a *value* (person, link, decision, item, policy): version (u8; 2 if the payload is packed by Zstandard), the low 32
  bits of the XXH3-64 of the payload seeded with the version (u32), payload.

An event is kept as the JSON that arrived; ``decode_group`` parses it again. XXH3 (https://xxhash.com) is an
error-detecting hash, ten times as fast here as zlib's CRC-32; it is no defence against someone who writes to the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from struct import Struct as Packed
from threading import local
from typing import Any, TypeVar, cast

import msgspec
from xxhash import xxh3_64_intdigest
from zstandard import ZstdCompressor, ZstdDecompressor, ZstdError

from micromoments.core.decision import Decision
from micromoments.core.delivery import Delivery
from micromoments.core.event import Event, Millis
from micromoments.core.fact import SCHEMAS, TABLES, Fact, Table
from micromoments.core.fence import Fence
from micromoments.core.item import Facet, Item, Nearby
from micromoments.core.offer import Redemption
from micromoments.core.outcome import Outcome
from micromoments.core.person import Link, Person
from micromoments.core.record import (
    ActivationRecord,
    DecidedRecord,
    ErasedRecord,
    EventRecord,
    ItemRecord,
    OutcomeRecord,
    Record,
    TickRecord,
)
from micromoments.ports import Corrupt, Later

T = TypeVar("T")

VERSION = 1
"""The version of every frame that this release writes."""
PACKED = 2
"""The version of a value whose payload is packed by Zstandard (RFC 8878)."""
LEVEL = 0
"""How often fields were added to values that are read, changed and written back: two versions each, plain and packed. A
release that knows fewer fields may read such a value, and must not write it."""
PACKED_HEADS = tuple(bytes([version]) for version in range(PACKED, PACKED + 2 * LEVEL + 1, 2))
"""How packed values begin: what they hold can't be searched for."""
HIGHEST = 127
"""The last version of a value that is an array with more at its end."""
PACK_FROM = 1536
"""Payload bytes from which a value is packed: most people are smaller, the busiest are a third of what they were."""
MOST = 64 * 2**20
"""Bytes that a packed value may unfold to."""
RELEASES = {1: "0.1.0", 2: "0.1.0"}
"""The first release that reads a version."""

LOG, FACTS = b"L", b"F"
_PACKERS = local()
_HEAD = Packed("<2scBB3xIQ")
_CHECK = Packed("<BI")
_MAGIC = b"MM"
_MSGPACK = 0


class _Event(msgspec.Struct, array_like=True, tag=0, gc=False):
    key: str
    at: int
    occurred: int
    message_id: str
    mid: int
    nonce: int
    body: bytes
    marks: int = 0
    facets: tuple[Facet, ...] = ()
    nearby: Nearby | None = None
    confirmed: bool = False
    fences: tuple[Fence, ...] | None = None
    redeemed: tuple[Redemption, ...] = ()


class _Tick(msgspec.Struct, array_like=True, tag=1, gc=False):
    key: str
    at: int


class _Decided(msgspec.Struct, array_like=True, tag=2):
    key: str
    at: int
    decision: Decision


class _Outcome(msgspec.Struct, array_like=True, tag=3):
    key: str
    at: int
    outcome: Outcome


class _Item(msgspec.Struct, array_like=True, tag=4):
    key: str
    at: int
    item: Item | None


class _Activation(msgspec.Struct, array_like=True, tag=5, gc=False):
    key: str
    at: int
    what: str
    name: str
    digest: str
    body: bytes = b""


class _Erased(msgspec.Struct, array_like=True, tag=6, gc=False):
    key: str = ""
    at: int = 0


class _Mid(msgspec.Struct, array_like=True, gc=False):
    """The first fields of any record, read without the rest: (tag, key, at) and for events the message's hash."""

    tag: int
    key: str
    at: int
    _occurred: msgspec.Raw = msgspec.Raw()
    _message_id: msgspec.Raw = msgspec.Raw()
    mid: msgspec.Raw = msgspec.Raw()


_encode = msgspec.msgpack.Encoder().encode
_encode_into = msgspec.msgpack.Encoder().encode_into
_decode_wire = msgspec.msgpack.Decoder(
    list[_Event | _Tick | _Decided | _Outcome | _Item | _Activation | _Erased]
).decode
_KINDS = frozenset(range(7))
_decode_mids = msgspec.msgpack.Decoder(list[_Mid]).decode
_decode_event = msgspec.json.Decoder(Event).decode
_decode_int = msgspec.msgpack.Decoder(int).decode
_decode_values: dict[type, Callable[[bytes], Any]] = {
    kind: msgspec.msgpack.Decoder(kind).decode for kind in (Person, Link, Decision, Item, Delivery)
}
_decode_facts: dict[Table, Callable[[bytes], list[Any]]] = {
    table: msgspec.msgpack.Decoder(cast("Any", list)[SCHEMAS[table]]).decode for table in TABLES
}


def _wire(record: Record) -> tuple[object, ...]:
    if isinstance(record, EventRecord):
        r = record
        stamps = (r.key, r.at, r.occurred, r.message_id, r.mid, r.nonce, r.body)
        told = (r.fences, r.redeemed) if r.redeemed else () if r.fences is None else (r.fences,)
        return (0, *stamps, r.marks, r.facets, r.nearby, r.confirmed, *told)
    if isinstance(record, TickRecord):
        return (1, record.key, record.at)
    if isinstance(record, DecidedRecord):
        return (2, record.key, record.at, record.decision)
    if isinstance(record, OutcomeRecord):
        return (3, record.key, record.at, record.outcome)
    if isinstance(record, ItemRecord):
        return (4, record.key, record.at, record.item)
    if isinstance(record, ActivationRecord):
        return (5, record.key, record.at, record.what, record.name, record.digest, record.body)
    return (6, record.key, record.at)


def _record(wire: Any) -> Record:
    if type(wire) is _Event:
        w = wire
        return EventRecord(
            key=w.key,
            at=w.at,
            occurred=w.occurred,
            message_id=w.message_id,
            mid=w.mid,
            nonce=w.nonce,
            body=w.body,
            event=_decode_event(w.body),
            marks=w.marks,
            facets=w.facets,
            nearby=w.nearby,
            confirmed=w.confirmed,
            fences=w.fences,
            redeemed=w.redeemed,
        )
    return _OTHERS[type(wire)](wire)


_OTHERS: dict[type, Callable[[Any], Record]] = {
    _Tick: lambda w: TickRecord(key=w.key, at=w.at),
    _Decided: lambda w: DecidedRecord(key=w.key, at=w.at, decision=w.decision),
    _Outcome: lambda w: OutcomeRecord(key=w.key, at=w.at, outcome=w.outcome),
    _Item: lambda w: ItemRecord(key=w.key, at=w.at, item=w.item),
    _Activation: lambda w: ActivationRecord(key=w.key, at=w.at, what=w.what, name=w.name, digest=w.digest, body=w.body),
    _Erased: lambda w: ErasedRecord(key=w.key, at=w.at),
}


def _tame(value: Any) -> Any:
    """The same value with whole numbers past 64 bits as floats: JSON allows them, MessagePack doesn't."""
    if isinstance(value, dict):
        return {key: _tame(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_tame(each) for each in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return float(value) if abs(value) < 10**300 else float("inf")
    return value


def _payload(value: object, again: Callable[[bytes], object] = bool) -> bytes:
    """The value's bytes; tame ones only if they can be read ``again``: else the engine could never start over them."""
    try:
        return _encode(value)
    except OverflowError:
        tame = _encode(_tame(msgspec.to_builtins(value, builtin_types=(bytes,))))
        again(tame)
        return tame


def _unreadable(version: int, what: str) -> Corrupt:
    newest = RELEASES[VERSION]
    return Later(
        f"got {what} in version {version}; this release reads 1 to {VERSION} (as micromoments {newest} does); "
        "a newer release wrote it: install that one, or restore a backup that this release made"
    )


# --- groups ---------------------------------------------------------------------------------------


def _seed(kind: bytes, version: int, codec: int, count: int) -> int:
    return kind[0] << 48 | version << 40 | codec << 32 | count


def _frame(kind: bytes, count: int, payload: bytes) -> bytes:
    digest = xxh3_64_intdigest(payload, _seed(kind, VERSION, _MSGPACK, count))
    return _HEAD.pack(_MAGIC, kind, VERSION, _MSGPACK, count, digest) + payload


def _unframe(kind: bytes, body: bytes, what: str) -> tuple[int, memoryview]:
    if len(body) < _HEAD.size:
        raise Corrupt(f"got {what} of {len(body)} bytes; wanted a header of {_HEAD.size}; restore a backup")
    magic, got, version, codec, count, digest = _HEAD.unpack_from(body)
    if magic != _MAGIC or got != kind:
        raise Corrupt(f"got {what} that starts with {body[:3]!r}; wanted {_MAGIC + kind!r}; restore a backup")
    payload = memoryview(body)[_HEAD.size :]
    if version == VERSION and codec == _MSGPACK:
        if xxh3_64_intdigest(payload, _seed(kind, version, codec, count)) != digest:
            raise Corrupt(f"got {what} that fails its checksum; wanted the bytes as written; restore a backup")
        return count, payload
    raise _unreadable(version, what)


def _decoded(decode: Callable[[Any], list[Any]], payload: memoryview, count: int, what: str) -> list[Any]:
    try:
        values = decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Corrupt(f"got {what} that doesn't decode ({error}); restore a backup") from error
    if len(values) != count:
        raise Corrupt(f"got {what} of {len(values)} entries; its header says {count}; restore a backup")
    return values


def encode_group(records: Sequence[Record]) -> bytes:
    """A log group: the records, framed. Events go without their decoded form.

    Raises:
        msgspec.ValidationError: a number past 64 bits stands where only a whole one can be read.
    """
    return _frame(LOG, len(records), _payload([_wire(record) for record in records], _decode_wire))


def decode_group(body: bytes, what: str = "a log group") -> list[Record]:
    """The records of a log group; ``what`` names it in errors.

    Raises:
        Corrupt: a checksum failed, or a newer release wrote it.
    """
    count, payload = _unframe(LOG, body, what)
    try:
        wires = _decoded(_decode_wire, payload, count, what)
    except Corrupt:
        if kinds := sorted({head.tag for head in _decoded(_decode_mids, payload, count, what)} - _KINDS):
            raise Later(f"got {what} with a record of kind {kinds[0]}, which a newer release wrote") from None
        raise
    try:
        return [_record(wire) for wire in wires]
    except msgspec.DecodeError as error:
        raise Corrupt(f"got {what} with an event that doesn't decode ({error}); restore a backup") from error


def group_mids(body: bytes, what: str = "a log group") -> Iterator[tuple[int, Millis]]:
    """The (message hash, arrival) of each event in a log group, without decoding the rest."""
    count, payload = _unframe(LOG, body, what)
    for head in _decoded(_decode_mids, payload, count, what):
        if head.tag == 0:
            yield _decode_int(head.mid), head.at


def encode_facts(facts: Sequence[Fact]) -> bytes:
    """A frame of facts of one table."""
    return _frame(FACTS, len(facts), _payload(facts))


def decode_facts(table: Table, body: bytes, what: str = "a frame of facts") -> list[Any]:
    """The facts of a frame of that table.

    Raises:
        Corrupt: a checksum failed, or a newer release wrote it.
    """
    count, payload = _unframe(FACTS, body, what)
    return _decoded(_decode_facts[table], payload, count, what)


def fact_rows(body: bytes, what: str = "a frame of facts") -> list[list[Any]]:
    """The facts of a frame as lists of their fields: a fifth of the time, for columns.

    Raises:
        Corrupt: a checksum failed, or a newer release wrote it.
    """
    count, payload = _unframe(FACTS, body, what)
    return _decoded(msgspec.msgpack.decode, payload, count, what)


# --- values ---------------------------------------------------------------------------------------


def encode(value: Person | Link | Decision | Item | Delivery) -> bytes:
    """A value with its version and checksum; one of more than ``PACK_FROM`` bytes is packed."""
    payload = _payload(value)
    if len(payload) <= PACK_FROM:
        return seal(payload)
    return _sealed(PACKED + 2 * LEVEL, _packer().compress(payload))


def _packer() -> ZstdCompressor:
    """This thread's: making one takes longer than packing a value, and it is not for several threads."""
    packer: ZstdCompressor | None = getattr(_PACKERS, "one", None)
    if packer is None:
        packer = _PACKERS.one = ZstdCompressor(level=1)
    return packer


def decode(kind: type[T], body: bytes, what: str = "a value", *, later: bool = False) -> T:
    """The value again; ``kind`` is Person, Link, Decision, Item or Delivery, ``what`` names it in errors. With
    ``later`` also one of a newer release, without what this one doesn't know: to look at, not to write back.

    Raises:
        Corrupt: the checksum failed. Later: a newer release wrote it.
    """
    payload = unseal(body, what, later=later)
    try:
        value: T = _decode_values[kind](payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Corrupt(f"got {what} that doesn't decode ({error}); restore a backup") from error
    return value


def seal(payload: bytes) -> bytes:
    """Bytes that are someone else's (a policy's state) with this module's version and checksum."""
    return _sealed(VERSION + 2 * LEVEL, payload)


def _sealed(version: int, payload: bytes) -> bytes:
    return _CHECK.pack(version, xxh3_64_intdigest(payload, version) & 0xFFFFFFFF) + payload


def unseal(body: bytes, what: str = "a value", *, later: bool = False) -> bytes:
    """What was sealed; with ``later`` also by a newer release.

    Raises:
        Corrupt: the checksum failed. Later: a newer release wrote it.
    """
    if len(body) < _CHECK.size:
        raise Corrupt(f"got {what} of {len(body)} bytes; wanted at least {_CHECK.size}; restore a backup")
    version, check = _CHECK.unpack_from(body)
    if not VERSION <= version <= (HIGHEST if later else PACKED + 2 * LEVEL):
        raise _unreadable(version, what)
    payload = body[_CHECK.size :]
    if xxh3_64_intdigest(payload, version) & 0xFFFFFFFF != check:
        raise Corrupt(f"got {what} that fails its checksum; wanted the bytes as written; restore a backup")
    if version % 2:
        return payload
    try:
        unpacked: bytes = ZstdDecompressor().decompress(payload, max_output_size=MOST)
    except ZstdError as error:
        raise Corrupt(f"got {what} that doesn't unpack ({error}); restore a backup") from error
    return unpacked
