"""Records as Kafka's messages, and back: each in the frame of a log group of one, sealed with the key of its id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from micromoments.core.event import Millis
from micromoments.core.record import ErasedRecord, Logged, Record
from micromoments.ports import Later, StoreError
from micromoments.stores.cluster.vault import Vault
from micromoments.stores.embedded import codec

Message = tuple[str, int, bytes | None, bytes | None, Millis]
"""(topic, partition, key, body, time); without a body the key is no more, where only the newest of each is kept."""


def messages_of(records: Sequence[Record], topic: str, partitions: Sequence[int], vault: Vault) -> list[Message]:
    """Records as messages: each in the frame of a log group of one, sealed with the key of its id."""
    hashes = [vault.hash(r.key) if r.key.startswith(("anon:", "user:")) else None for r in records]
    keys = vault.keys([h for h in hashes if h is not None], make=True)
    made: list[Message] = []
    for record, hashed, partition in zip(records, hashes, partitions, strict=True):
        body = codec.encode_group([record])
        sealed = vault.seal(keys[hashed], hashed, body) if hashed is not None else body
        made.append((topic, partition, hashed, sealed, record.at))
    return made


def opened(messages: Sequence[Any], vault: Vault, later: bool = False) -> list[Logged]:
    """What these messages hold, in order: blank where the key was destroyed; with ``later`` also where a newer release
    wrote what this one doesn't know, for who may pass it over.

    Raises:
        StoreError: a broker said that it can't read. Corrupt: a record fails its checksum. Later: a newer release's.
    """
    for message in messages:
        if (error := message.error()) is not None and not error.retriable():
            raise StoreError(f"Kafka can't read {message.topic()}: {error}; look at the brokers, then retry")
    good = [m for m in messages if m.error() is None]
    keys = vault.keys({m.key() for m in good if m.key() is not None}, make=False)
    found: list[Logged] = []
    for m in good:
        hashed = m.key()
        body = vault.open(keys.get(hashed), hashed, m.value()) if hashed is not None else m.value()
        if body is None:
            record: Record = ErasedRecord(at=m.timestamp()[1])
        else:
            try:
                (record,) = codec.decode_group(body, f"position {m.offset()} of {m.topic()}")
            except Later:
                if not later:
                    raise
                record = ErasedRecord(at=m.timestamp()[1])
        found.append(Logged(m.offset(), record))
    return found
