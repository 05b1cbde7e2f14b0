"""A load on a cluster, and what became of it: every event, decision and answer that was acknowledged is counted."""

from __future__ import annotations

import logging
import re
import time
import urllib.request
from collections.abc import Mapping
from typing import Any

from micromoments.core.person import Person
from micromoments.engine.cluster.wiring import Shared
from micromoments.engine.intake import message_hash
from tests.cluster.project import ITEMS, Client, Project, Server, gather, until

OUTCOMES = "SELECT {} FROM outcomes WHERE what = '{}'"
CONFIG = 'consent = ["measure", "personalise"]\n'
UNITS = 30
said = logging.getLogger("recovery")
"""How long each recovery took: ``pytest -o log_cli=true -o log_cli_level=INFO`` shows it."""
OFFERS = f'{CONFIG}[slots.offers]\nlimit = 1\nkinds = ["offer"]\n[budgets.spring]\nunits = {UNITS}\n'
OFFER = {"id": "o1", "kind": "offer", "title": "A tenth off", "budget": "spring"}


def load(servers: list[Server], clients: int, kind: type[Client] = Client) -> list[Client]:
    """Clients over servers, each of which has the items: a click on one that it doesn't know yet leaves no trace."""
    items = [*ITEMS, OFFER]
    until(lambda: servers[0].call("PUT", "/v1/items", items) is not None, "items to be taken")
    all_of_them = {float(len(items))}
    until(lambda: {one.gauge("micromoments_items") for one in servers} == all_of_them, "the items on every server")
    made = [kind(servers, n, n) for n in range(clients)]
    for client in made:
        client.start()
    return made


def finished(clients: list[Client]) -> None:
    """Every client stops after the request under way."""
    for one in clients:
        one.done.set()
    for one in clients:
        one.join(120)
        assert not one.is_alive()


def asked(shared: Shared, sql: str) -> list[tuple[object, ...]]:
    """An answer of the facts."""
    with shared.stores.facts().query() as ask:  # type: ignore[attr-defined] # as the reports do
        return [tuple(row.values()) for row in ask(sql)]


def done(events: list[dict[str, Any]]) -> dict[str, set[int]]:
    """The messages of everything that anybody did, by anonymousId; an identify says who, and not what."""
    found: dict[str, set[int]] = {}
    for e in events:
        if e["type"] == "track":
            found.setdefault(e["anonymousId"], set()).add(message_hash(e["messageId"]))
    return found


def folded(people: Mapping[str, Person]) -> dict[str, set[int]]:
    """The same as people's parts have it; each part's count is that of its traces, so nothing was counted twice."""
    found: dict[str, set[int]] = {}
    for person in people.values():
        for key, part in person.parts.items():
            if key.startswith("anon:"):
                assert part.total == len(part.traces) == sum(part.counts.values())
                found.setdefault(key[5:].partition(">")[0], set()).update(t.mid for t in part.traces)
    return found


def astray(people: Mapping[str, Person], events: list[dict[str, Any]]) -> dict[str, int]:
    """By anonymousId, how many messages are in people and were not sent, or the other way round."""
    here, sent = folded(people), done(events)
    return {
        who: len(here.get(who, set()) ^ sent.get(who, set()))
        for who in {*here, *sent}
        if here.get(who) != sent.get(who)
    }


def check(project: Project, clients: list[Client]) -> None:
    """Every event, decision and answer that was acknowledged is a fact, and folded into whom it belongs to, once."""
    events = [e for c in clients for e in c.events]
    decided = {id for c in clients for id in c.decisions}
    answered = {id for c in clients for id in c.answered}
    what = clients[0].outcome
    shared = project.open()
    try:
        counts = ("SELECT count(*) FROM events", "SELECT count(*) FROM decisions", OUTCOMES.format("count(*)", what))
        wanted_counts = [(len(events),), (len(decided),), (len(answered),)]
        until(
            lambda: [asked(shared, sql)[0] for sql in counts] == wanted_counts,
            lambda: f"{wanted_counts} events, decisions and answers; got {[asked(shared, sql) for sql in counts]}",
        )
        assert {id for (id,) in asked(shared, "SELECT id FROM decisions")} == decided
        assert {d for (d,) in asked(shared, OUTCOMES.format("decision", what))} == answered
        names = {f"anon:{e['anonymousId']}" for e in events} | {f"user:u-{e['anonymousId']}" for e in events}
        people = shared.state.load(sorted(names), [])[0]
        assert folded(people) == done(events), f"astray: {astray(people, events)}"
        known = {e["userId"] for e in events if e["type"] == "identify"}
        assert {id for id in people if id.startswith("user:")} == {f"user:{id}" for id in known}
    finally:
        shared.close()


class Buyer(Client):
    """A client that asks for offers, of which there are only so many, and redeems some."""

    slot, answer, outcome = "offers", "Order Completed", "goal"


def check_budget(project: Project, clients: list[Client], *, killed: bool) -> None:
    """Not one offer more was served than there are units, and what was redeemed is spent. Where nothing was killed
    every unit is a decision's; else some may wait for their time to be over.
    """
    served = sum(item == "o1" for c in clients for item in c.served.values())
    redeemed = sum(len(c.answered) for c in clients)
    shared = project.open()
    try:
        spent, reserved = shared.stores.budgets.used("spring")
    finally:
        shared.close()
    assert 0 < redeemed == spent
    assert served <= spent + reserved <= UNITS
    assert killed or served == spent + reserved == UNITS


def recovered(clients: list[Client], count: int, what: str) -> None:
    """After something went wrong: return once so many more events are acknowledged; says when the first was."""
    start, had = time.monotonic(), sum(len(c.events) for c in clients)
    until(lambda: sum(len(c.events) for c in clients) > had, "an event acknowledged again")
    said.info("%s: acknowledges again after %.1f s", what, time.monotonic() - start)
    gather(clients, count - 1)


def caught_up(project: Project, clients: list[Client], what: str = "") -> None:
    """Return once the workers have folded everything that is acknowledged by now; says how long that took."""
    start, count = time.monotonic(), sum(len(c.events) for c in clients)
    shared = project.open()
    try:
        until(lambda: asked(shared, "SELECT count(*) FROM events")[0][0] >= count, f"{count} events folded")  # type: ignore[operator]
    finally:
        shared.close()
    if what:
        said.info("%s: everything is folded after %.1f s", what, time.monotonic() - start)


def scraped(port: int) -> set[str]:
    """The names of what a role exports at a port of this machine."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as reply:
        return set(re.findall(r"^# TYPE (\S+)", reply.read().decode(), re.MULTILINE))
