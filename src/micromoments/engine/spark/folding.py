"""A log folded on Spark: each person apart, with the same pure ``step``, and the same people, links and policies.

Whom a record is about is known from the record alone, but for ids that an identify or an alias made one. So the first
pass reads only those, and finds the connected components of ids; the second folds each component's records in the
log's order, wherever Spark puts it. What policies learn has one order over everybody: it is learned on the driver,
from the decisions that have outcomes.

The log travels as Parquet, a row a record: its position, what kind it is, whose it is, which ids it makes one, the
decision that it is about, and its bytes as the log keeps them. PySpark is an extra, imported when asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, Final, TypeVar, get_type_hints

import msgspec
import pyarrow as pa

from micromoments.core.fact import MomentFact
from micromoments.core.person import Link, Person
from micromoments.core.record import (
    ActivationRecord,
    DecidedRecord,
    EventRecord,
    Logged,
    OutcomeRecord,
    Record,
    TickRecord,
)
from micromoments.core.settings import Settings
from micromoments.engine.brain import Policies
from micromoments.engine.recovery import in_force
from micromoments.engine.residents import Residents
from micromoments.engine.spark.place import Place, bare
from micromoments.engine.verify import Empty, Rebuilt, begun, folder_of, view_of
from micromoments.engine.wiring import Stores, pack, unpack
from micromoments.flow.view import CONFIG, WEIGHTS, View, settings_of
from micromoments.ports import StoreError, replay
from micromoments.recognise.recogniser import Recogniser
from micromoments.recognise.text import TextModel
from micromoments.recognise.weights import SHIPPED, decode

T = TypeVar("T", Person, Link)
ABOUT: Final = "_log.json"
"""Beside the rows: how to read them. Spark passes over files whose names begin with ``_``."""
ROWS: Final = 50_000
"""Records in one file of a log on its way."""
STRETCH: Final = 1000
COLUMNS: Final = pa.schema(
    [
        pa.field("position", pa.int64(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("whose", pa.string(), nullable=False),
        pa.field("linked", pa.list_(pa.string()), nullable=False),
        pa.field("about", pa.string(), nullable=False),
        pa.field("body", pa.binary(), nullable=False),
    ]
)
FOLDED: Final = "what string, id string, version long, body binary"


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What reading a log as Parquet takes: the settings, the weights that it begins with (empty: the shipped ones), how
    many records there are, and the version of this form.
    """

    settings: Settings
    weights: str
    records: int
    version: int = 1


def stage(stores: Stores, target: Place, until: int | None = None) -> int:
    """Write a folder's log up to a position, or to where its state is, as Parquet; give how many records there are.

    Raises:
        StoreError: there is something at ``target`` already.
    """
    target.begin()
    until = stores.position() if until is None else until
    rows = (_row(logged) for logged in replay(stores.log) if logged.position < until)
    count = 0
    while some := list(islice(rows, ROWS)):
        table = pa.Table.from_pylist(some, schema=COLUMNS)
        target.write_table(f"part-{count // ROWS:05}.parquet", table)
        count += len(some)
    weights = begun(stores.log, stores.settings, stores.recogniser).weights
    first = "" if weights == SHIPPED else weights.encode().decode()
    about = About(settings=stores.settings, weights=first, records=count)
    target.write(ABOUT, msgspec.json.encode(about))
    return count


def read_about(log: Place) -> About:
    """What stands beside a log's rows.

    Raises:
        StoreError: it isn't there, or a newer release wrote it.
    """
    try:
        about = msgspec.json.decode(log.read(ABOUT), type=About, strict=False)
    except OSError as error:
        raise StoreError(
            f"got {bare(log.where)} without {ABOUT} ({error}); wanted a log that replay --on spark --to wrote"
        ) from None
    if about.version != 1:
        raise StoreError(f"got a log in version {about.version}; this release reads 1; write it anew with this one")
    return about


def _row(logged: Logged) -> dict[str, Any]:
    record = logged.record
    whose, linked = concerns(record)
    about = ""
    if isinstance(record, DecidedRecord):
        about = record.decision.id
    elif isinstance(record, OutcomeRecord):
        about = record.outcome.decision
    kind = type(record).__name__.removesuffix("Record").lower()
    return {
        "position": logged.position,
        "kind": kind,
        "whose": whose,
        "linked": linked,
        "about": about,
        "body": pack(record),
    }


def concerns(record: Record) -> tuple[str, list[str]]:
    """(the id that folding a record starts from, the ids that it makes one with that id); ``""``: about nobody.

    As ``flow.apply`` has it: an event with a userId is that user's; only identify and alias tie ids together.
    """
    if isinstance(record, DecidedRecord | TickRecord):
        return record.key, []
    if not isinstance(record, EventRecord):
        return "", []
    event = record.event
    if not event.user_id:
        return record.key, []
    linked: list[str] = []
    if event.type == "alias" and event.previous_id:
        linked = [f"anon:{event.previous_id}", f"user:{event.previous_id}"]
    elif event.type in ("identify", "alias") and event.anonymous_id:
        linked = [f"anon:{event.anonymous_id}"]
    return f"user:{event.user_id}", linked


def components(pairs: Any) -> Any:
    """Rows ``(id, component)`` of a frame of pairs ``(a, b)``: the least id that each is tied to, over any number of
    ties. Every round takes the least of the neighbours and then jumps to where that one is, so that a chain takes a
    number of rounds that grows as its logarithm.
    """
    from pyspark.sql import functions as f

    both = pairs.union(pairs.select(f.col("b"), f.col("a"))).distinct().localCheckpoint()
    known = both.groupBy("a").agg(f.min("b").alias("least"))
    known = known.select(f.col("a").alias("id"), f.least("a", "least").alias("component")).localCheckpoint()
    while True:
        near = both.join(known, both.b == known.id).groupBy("a").agg(f.min("component").alias("near"))
        lower = known.join(near, known.id == near.a).select(
            "id", f.col("component").alias("was"), f.least("component", "near").alias("at")
        )
        there = known.select(f.col("id").alias("at"), f.col("component").alias("on"))
        after = lower.join(there, "at").select("id", "was", f.least("at", "on").alias("component")).localCheckpoint()
        if after.filter("component <> was").isEmpty():
            return after.select("id", "component")
        known = after.select("id", "component")


class Folding(msgspec.Struct, frozen=True):
    """What a worker folds with: settings as JSON, weights, and those that came later (position, settings, weights)."""

    settings: bytes
    weights: bytes
    changes: tuple[tuple[int, bytes, bytes], ...]

    def __call__(self, rows: Iterable[tuple[str, int, bytes]]) -> Iterator[tuple[str, str, int, bytes]]:
        """The people, links and moments of a partition's rows ``(component, position, body)``, which are in order."""
        for _, theirs in groupby(rows, key=itemgetter(0)):
            yield from self._together(theirs)

    def _together(self, rows: Iterable[tuple[str, int, bytes]]) -> Iterator[tuple[str, str, int, bytes]]:
        encode = msgspec.msgpack.encode
        residents = Residents(Empty(), limit=2**62)
        changes = list(self.changes)
        view = _view(self.settings, self.weights)
        applier = folder_of(residents, Policies({}), lambda: view)
        for _, position, body in rows:
            while changes and changes[0][0] < position:
                view = _view(*changes.pop(0)[1:])
            applier.fold([(position, unpack(bytes(body)), 0)])
            for fact in applier.facts:
                if isinstance(fact, MomentFact):
                    yield "moment", fact.id, fact.version, encode(fact)
            applier.forget_output()
        people, links = residents.begin()
        for id, person in people.items():
            if person is not None:
                yield "person", id, 0, encode(person)
        for key, link in links.items():
            if link is not None:
                yield "link", key, 0, encode(link)


@lru_cache(maxsize=8)
def _view(settings: bytes, weights: bytes) -> View:
    recogniser = recogniser_of(settings, weights)
    return view_of(recogniser.settings, recogniser, Policies({}))


def recogniser_of(settings: bytes, weights: bytes) -> Recogniser:
    """On a worker: the recogniser of settings as JSON and weights (empty: the shipped ones)."""
    known = msgspec.json.decode(settings, type=Settings, strict=False)
    return Recogniser(known, _text(), decode(weights))


@lru_cache(maxsize=1)
def _text() -> TextModel:
    return TextModel.load()


def refold(spark: Any, log: Place) -> tuple[Any, Rebuilt]:
    """Fold a log that ``stage`` wrote. Gives the rows ``what id version body`` of people, links and moments as Spark
    holds them, and people, links and policies as ``rebuild`` gives them.
    """
    about = read_about(log)
    rows = spark.read.parquet(log.spark)
    linked = rows.filter("size(linked) > 0").selectExpr("whose AS a", "explode(linked) AS b").filter("a <> b")
    known = components(linked.distinct())
    placed = rows.filter("whose <> ''").join(known, rows.whose == known.id, "left")
    placed = placed.selectExpr("coalesce(component, whose) AS component", "position", "body")
    settings, weights = msgspec.json.encode(about.settings, order="sorted"), about.weights.encode()
    changes = tuple(_changes(_records(rows.filter("kind = 'activation'")), settings, weights))
    folding = Folding(settings, weights, changes)
    ordered = placed.repartition("component").sortWithinPartitions("component", "position")
    folded = spark.createDataFrame(ordered.rdd.mapPartitions(folding), FOLDED).localCheckpoint()
    last = rows.agg({"position": "max"}).first()[0]
    rebuilt = Rebuilt(
        people=_of(folded, "person", Person),
        links=_of(folded, "link", Link),
        policies=_learned(rows, about.settings),
        records=rows.count(),
        position=0 if last is None else last + 1,
        erased=rows.filter("kind = 'erased'").count(),
    )
    return folded, rebuilt


def _changes(activations: Iterable[Logged], settings: bytes, weights: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """From which position on which settings and weights were in force."""
    for logged in activations:
        record = logged.record
        if isinstance(record, ActivationRecord) and record.what in (CONFIG, WEIGHTS):
            if record.what == CONFIG and settings_of(record.body) is not None:
                settings = record.body
            weights = record.body if record.what == WEIGHTS else weights
            yield logged.position, settings, weights


def _of(folded: Any, what: str, kind: type[T]) -> dict[str, T]:
    rows = folded.filter(f"what = '{what}'").toLocalIterator()
    return {row.id: msgspec.msgpack.decode(bytes(row.body), type=kind) for row in rows}


def write_moments(spark: Any, folded: Any, target: Place) -> None:
    """Write the moments, each version, as Parquet with the columns of the fact table ``moments``."""
    kinds = {str: "string", int: "long", float: "double", bool: "boolean"}
    names = ", ".join(f"{name} {kinds[kind]}" for name, kind in get_type_hints(MomentFact).items())
    rows = folded.filter("what = 'moment'").rdd.map(_moment)
    spark.createDataFrame(rows, names).write.mode("overwrite").parquet(target.spark)


def _moment(row: Any) -> tuple[Any, ...]:
    return msgspec.structs.astuple(msgspec.msgpack.decode(bytes(row.body), type=MomentFact))


def _records(rows: Any) -> Iterator[Logged]:
    """Records of a frame in the log's order, read by the driver a partition at a time."""
    for row in rows.orderBy("position").select("position", "body").toLocalIterator():
        yield Logged(row.position, unpack(bytes(row.body)))


def _learned(rows: Any, settings: Settings) -> dict[str, bytes]:
    """What the outcomes taught, in the log's order: the one thing that isn't a person's alone."""
    outcomes = rows.filter("kind = 'outcome'")
    told = outcomes.select("about").distinct()
    needed = rows.filter("kind = 'decided'").join(told, "about", "left_semi").select("position", "body")
    needed = needed.union(rows.filter("kind IN ('outcome', 'activation')").select("position", "body"))
    policies = Policies({})
    view = view_of(settings, Recogniser(settings, _text()), policies)
    applier = folder_of(Residents(Empty(), limit=2**62), policies, lambda: view)
    for logged in _records(needed):
        record = logged.record
        if isinstance(record, DecidedRecord):
            applier.decisions[record.decision.id] = record.decision
        elif isinstance(record, ActivationRecord):
            view = in_force(view, record, {})
        elif isinstance(record, OutcomeRecord):
            applier.fold([(logged.position, record, 0)])
            applier.forget_output()
    return {key: body for key, body in policies.encoded().items() if body is not None}
