"""How an engine starts: items into the index, the state as last committed, then the log from its position."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from micromoments.core.event import Millis
from micromoments.core.record import ActivationRecord, OutcomeRecord, Record
from micromoments.core.settings import Settings
from micromoments.engine.applier import Applier
from micromoments.engine.brain import POLICY, Policies, restore_catalog
from micromoments.engine.keeper import Keeper
from micromoments.engine.wiring import ACTIVE_CONFIG, ACTIVE_MODEL, ACTIVE_WEIGHTS, Stores
from micromoments.flow.view import CONFIG, WEIGHTS, View, canonical, config_digest, configured, reweighted
from micromoments.ports import StoreError, replay
from micromoments.retrieve.catalog import Catalog
from micromoments.retrieve.document import DIGEST

STRETCH = 1000
log = logging.getLogger("micromoments")


def indexed(stores: Stores) -> Catalog:
    """An empty catalogue over the search index that the folder has on disk, where its items are many."""
    settings, meaning = stores.settings, stores.meaning
    try:
        return Catalog(settings.synonyms, settings.timezone, stores.index(DIGEST), meaning)
    except (ValueError, OSError) as error:
        log.warning("the search index can't be read (%s); it is built anew", error)
        return Catalog(settings.synonyms, settings.timezone, stores.index(DIGEST, anew=True), meaning)


def same_folder(stores: Stores) -> Stores:
    """The stores, if their state and log are of one folder.

    Raises:
        StoreError: the state has folded more than the log holds, so that what came next would be passed over. The
            stores are closed.
    """
    if (folded := stores.position()) <= (end := stores.log.end()):
        return stores
    stores.close()
    raise StoreError(
        f"got a state that has folded {folded} records and a log that ends at {end}; wanted a log at least as long: it "
        "lost its end, or the two are not of one folder; restore a backup, or begin in a new folder"
    )


def recover(stores: Stores, kept: Mapping[str, bytes], applier: Applier, keeper: Keeper, catalog: Catalog) -> None:
    """Bring memory to where the log ends. Outcomes that made it to the log are not derived a second time."""
    if stores.router is not None:
        catalog.route(stores.router.reach)
    learned = restore_catalog(catalog, kept)  # first, as it would put all items in order anew
    after = ""
    while items := stores.catalogue.items(after, 5_000):
        catalog.apply({i.id: i for i in items})
        after = items[-1].id
    catalog.loaded()
    start = stores.position()
    keeper.relearn(learned, start)
    applier.position = start
    tail = list(replay(stores.log, start))
    applier.known = {t.record.outcome.id for t in tail if isinstance(t.record, OutcomeRecord)}
    for index in range(0, len(tail), STRETCH):
        applier.fold([(t.position, t.record, 0) for t in tail[index : index + STRETCH]])
    applier.known = set()


def activations(stores: Stores, kept: Mapping[str, bytes], now: Millis) -> dict[str, ActivationRecord]:
    """What the log must be told of the settings and the model in force, by the key under which the state keeps it.

    Nothing where they are those of the last start.
    """
    config = canonical(stores.settings)
    digest = stores.recogniser.digest
    changed: dict[str, ActivationRecord] = {}
    version_of = config_digest(stores.settings)
    for key, body, version in ((ACTIVE_CONFIG, config, version_of), (ACTIVE_MODEL, digest.encode(), digest)):
        if kept.get(key) != body:
            name = stores.artifacts.put(body)
            what = key.partition(":")[2]
            changed[key] = ActivationRecord(key="", at=now, what=what, name=name, digest=version, body=body)
    return changed


def as_left(view: View, kept: Mapping[str, bytes]) -> View:
    """The view under the settings that were in force last: what a crash left is folded as it would have been."""
    body = kept.get(ACTIVE_CONFIG)
    return view if body is None else configured(view, body, view.config_version)


def as_opened(view: View, settings: Settings) -> View:
    """The view under the settings that the engine was opened with, which the log has by now."""
    return replace(view, settings=settings)


def in_force(view: View, record: Record, active: dict[str, bytes]) -> View:
    """The view after an activation; ``active`` gets what the next commit has to keep of it."""
    if not isinstance(record, ActivationRecord):
        return view
    if record.what == POLICY and isinstance(view.policies, Policies):
        view.policies.restore(record)
    if record.what == CONFIG:
        active[ACTIVE_CONFIG] = record.body
        return configured(view, record.body, record.digest)
    if record.what != WEIGHTS:
        return view
    view = reweighted(view, record.body)
    active[ACTIVE_WEIGHTS] = record.body
    active[ACTIVE_MODEL] = view.recogniser.digest.encode()
    return view
