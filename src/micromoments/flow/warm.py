"""Logged decisions as a slot's policy would have seen them: the features of their actions, by the slot's own eyes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from micromoments.core.decision import Request
from micromoments.core.event import Millis
from micromoments.core.person import Person
from micromoments.decide.decider import pick
from micromoments.flow.decide import ask, read
from micromoments.flow.view import View
from micromoments.learn.logged import Logged, engine_rows
from micromoments.learn.warm import Rows
from micromoments.policy import actions
from micromoments.policy.base import FloatArray
from micromoments.policy.features import matrix
from micromoments.retrieve.catalog import Candidate

NOBODY = Person(id="anon:logged", surrogate=0)
SECONDS = 10_000_000_000
"""Numbers below this are seconds since 1970, not milliseconds."""


def rows(slot: str, view: View, now: Millis) -> Rows:
    """How a slot sees a log's actions: as they stand where they are the engine's own rows; by features and context
    where the slot chooses among actions of a request; else as items of the catalogue, found in the record's context
    (its query, place and time) for somebody of whom nothing else is known. ``now`` stands in for a time that is not
    said.
    """

    def of(record: Logged) -> FloatArray | None:
        if slot == actions.SLOT:
            features = {"features": [record.context] if record.context else []}
            return actions.rows([(str(one.id), one.features) for one in record.actions], features)
        own = engine_rows(record)
        return _items(record, slot, view, now) if own is None else own

    return of


def _items(record: Logged, slot: str, view: View, now: Millis) -> FloatArray | None:
    ids = [str(one.id) for one in record.actions]
    context: dict[str, Any] = dict(record.context) if isinstance(record.context, Mapping) else {}
    at = instant(record.ts) or now
    request = Request(
        id=f"logged:{record.decision_id}", slot=slot, key=NOBODY.id, at=at, context=context, items=tuple(ids)
    )
    settings = view.slot(slot)
    reading, traces = read(NOBODY, request, view)
    by_mid = {t.mid: t for t in traces}
    moments = [view.recogniser.view(m, by_mid, at) for m in reading.open]
    found = view.catalog.candidates(ask(NOBODY, request, settings, moments, traces, personal=False))
    known: dict[str, Candidate] = {one.item.id: one for one in found}
    if any(id not in known for id in ids):
        return None
    moment = pick(moments, settings, request)
    return matrix([known[id] for id in ids], moment, {"timezone": view.settings.timezone, **context}, at)


def instant(said: float | str) -> Millis:
    """A log's instant in milliseconds, 0 where it can't be read: RFC 3339, seconds or milliseconds since 1970."""
    if isinstance(said, str):
        try:
            read = datetime.fromisoformat(said)
        except ValueError:
            return 0
        return round((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp() * 1000)
    return round(said * 1000) if 0 < said < SECONDS else max(0, round(said))
