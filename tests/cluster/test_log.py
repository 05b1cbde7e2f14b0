"""The log's contract on a real Kafka."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, KafkaException

from micromoments.core.record import ErasedRecord, OutcomeRecord
from micromoments.ports import StoreError, replay
from micromoments.stores.cluster.database import Database
from micromoments.stores.cluster.log import Broker, KafkaLog, ends_of
from micromoments.stores.cluster.vault import Vault
from micromoments.testing.clocks import START
from micromoments.testing.contracts import LogContract
from micromoments.testing.generators import event_record, outcome, records
from tools.cluster import Kafka, Redis

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def project(folder: Path) -> str:
    """A project's name for a folder: the same for the same folder."""
    return "t" + blake2b(str(folder).encode(), digest_size=8).hexdigest()


def _unreachable(*_: object, **_more: object) -> None:
    """What a vault says while Redis is away."""
    raise StoreError("Redis can't be reached")


class TestKafkaLog(LogContract):
    """A partition of a topic."""

    @pytest.fixture(autouse=True)
    def _servers(self, kafka: Kafka, single: Redis) -> Iterator[None]:
        self.redis = single.address
        self.broker = Broker(kafka.address)
        yield
        self.broker.close()

    def open(self, folder: Path) -> KafkaLog:
        """The log of a topic named for the folder."""
        name = project(folder)
        self.broker.make({name: 1}, 1, 1)
        self.database = Database(self.redis, name)
        return KafkaLog(self.broker, name, 0, Vault(self.database))

    def test_trimming_passes_what_came_while_the_clock_was_ahead(self, tmp_path: Path) -> None:
        """Declared: it waits for that time to come, unless the broker took nothing from so far ahead."""
        log = self.open(tmp_path)
        for n, at in enumerate([START, START + 9_000, START + 1]):
            log.append([event_record(n, at=at)])
        assert log.trim(START + 2, 3, START + 10) == 1
        assert [x.position for x in log.read(0)] == [1, 2]
        log.close()

    def test_trimming_keeps_what_is_young_or_needed(self, tmp_path: Path) -> None:
        """Declared: a record goes by itself, whatever group it was written in."""
        log = self.open(tmp_path)
        for n in range(5):
            log.append([event_record(2 * n, at=START + 10 * n), event_record(2 * n + 1, at=START + 10 * n + 1)])
        assert log.trim(START, 10, START + 2_000) == 0
        assert log.trim(START + 21, 10, START + 2_000) == 5
        assert log.trim(START + 1_000, 7, START + 2_000) == 2
        assert [x.position for x in log.read(0)] == [7, 8, 9]
        log.close()

    def test_erasing_blanks_a_key(self, tmp_path: Path) -> None:
        """Declared: what is given is how many keys were destroyed; the records are blank, the others stand."""
        log = self.open(tmp_path)
        log.append([event_record(n, key=f"anon:{'x' if n % 2 else 'xy'}") for n in range(4)])
        log.append([event_record(5, key="anon:xy")])
        assert log.erase(frozenset({"anon:x"}), frozenset()) == 1
        assert [type(x.record) is ErasedRecord for x in log.read(0)] == [False, True, False, True, False]
        assert log.erase(frozenset({"anon:x"}), frozenset()) == 0
        log.close()

    def test_erasing_spares_who_shares_a_key(self, tmp_path: Path) -> None:
        """Declared: what another did under the key goes with it."""
        log = self.open(tmp_path)
        log.append([event_record(n, key="anon:x") for n in range(2)])
        assert log.erase(frozenset({"anon:x"}), frozenset(), lambda _record: True) == 1
        assert all(isinstance(x.record, ErasedRecord) for x in log.read(0))
        log.close()

    def test_erasing_blanks_what_mentions_a_decision(self, tmp_path: Path) -> None:
        """Declared: a decision goes with the key that it was asked under; what stands under another's key stays."""
        log = self.open(tmp_path)
        log.append(records(1))
        log.append([OutcomeRecord(key="anon:other", at=START, outcome=outcome(8, "d1"))])
        decided = next(x for x in log.read(0) if getattr(x.record, "decision", None) is not None)
        assert log.erase(frozenset({decided.record.key}), frozenset({"d1"})) == 1
        blank = [x.position for x in log.read(0) if isinstance(x.record, ErasedRecord)]
        assert decided.position in blank
        assert log.end() - 1 not in blank
        log.close()

    def test_a_new_key_reads_nothing_of_the_old(self, tmp_path: Path) -> None:
        """What comes under an id after its erasure is read; what came before stays blank."""
        log = self.open(tmp_path)
        log.append([event_record(1, key="anon:x")])
        log.erase(frozenset({"anon:x"}), frozenset())
        log.append([event_record(2, key="anon:x")])
        assert [type(x.record) is ErasedRecord for x in log.read(0)] == [True, False]
        log.close()

    def test_what_could_not_be_opened_is_read_again(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where the keys can't be had for a moment, the next read gives the same records, and passes none over."""
        log = self.open(tmp_path)
        log.append([event_record(n) for n in range(3)])
        assert [x.position for x in log.read(0)] == [0, 1, 2]
        log.append([event_record(n) for n in range(3, 6)])
        with monkeypatch.context() as broken:
            broken.setattr(Vault, "keys", _unreachable)
            with pytest.raises(StoreError):
                log.read(3)
        assert [x.position for x in log.read(3)] == [3, 4, 5]
        log.close()

    def test_the_broker_never_sees_an_id(self, tmp_path: Path) -> None:
        """Neither key nor value of a message holds the id or what was sent, for whoever reads the broker's disk."""
        from confluent_kafka import Consumer, TopicPartition

        from micromoments.stores.cluster.log import reading

        log = self.open(tmp_path)
        sent = event_record(1, key="anon:hide-and-seek")
        log.append([sent])
        consumer = Consumer(reading(self.broker.connection, "spy"))
        consumer.assign([TopicPartition(project(tmp_path), 0, 0)])
        (message,) = consumer.consume(1, 30)
        raw = (message.key() or b"") + (message.value() or b"")
        consumer.close()
        assert b"hide-and-seek" not in raw
        assert sent.body[:12] not in raw
        assert [x.record for x in replay(log)] == [sent]
        log.close()

    def test_two_processes_seal_with_one_key(self, tmp_path: Path) -> None:
        """What two processes write under one id at first sight, either can read."""
        one, other = self.open(tmp_path), self.open(tmp_path)
        one.append([event_record(1, key="anon:x")])
        other.append([event_record(2, key="anon:x")])
        for log in (one, other, self.open(tmp_path)):
            assert [x.record for x in log.read(0)] == [event_record(1, key="anon:x"), event_record(2, key="anon:x")]
            log.close()


@pytest.mark.parametrize("code", [KafkaError._UNKNOWN_PARTITION, KafkaError._UNKNOWN_TOPIC])
def test_a_partition_that_a_broker_has_not_heard_of_is_waited_for(code: int) -> None:
    """Of several brokers one may answer before it knows of a topic that was just made: its ends are asked for again."""

    class Late:
        """A consumer whose broker knows of the partition at the second question."""

        asked = 0

        def get_watermark_offsets(self, *_: object, **__: object) -> tuple[int, int]:
            """The ends, or that there is no such partition."""
            self.asked += 1
            if self.asked == 1:
                raise KafkaException(KafkaError(code))
            return 3, 7

    consumer = Late()
    assert ends_of(consumer, "shop.control", 0) == (3, 7)
    assert consumer.asked == 2
