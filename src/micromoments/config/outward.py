"""Are destinations and triggers possible, and do they fit together?"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from micromoments.config.mistakes import Found, Place, shown
from micromoments.config.numbers import above_zero, number, span
from micromoments.core.settings import Destination, Forward, Reference, Settings, Trigger, topic_at
from micromoments.core.when import minutes

OF_MOMENTS = frozenset({"braze", "klaviyo", "customerio"})
"""Shapes for a moment's news alone."""
MOST_IN_BATCH = 10_000
NEEDS_SECRET = frozenset({"segment", "braze", "klaviyo", "customerio"})
MOST_AT_ONCE = 64
MAX_NAME = 64


def impossible(settings: Settings) -> Iterator[Found]:
    """One finding a mistake of ``destinations`` and ``triggers``."""
    for name, destination in settings.destinations.items():
        place: Place = ("destinations", name)
        if not 0 < len(name) <= MAX_NAME:
            yield Found(place, f"a name of {len(name)} characters", f"1 to {MAX_NAME}")
        yield from _destination(destination, place)
    for name, forward in settings.forwards.items():
        yield from _forward(forward, ("forwards", name), settings)
    for name, trigger in settings.triggers.items():
        yield from _trigger(trigger, ("triggers", name), settings)


def _destination(one: Destination, place: Place) -> Iterator[Found]:
    yield from above_zero(one.timeout_seconds, (*place, "timeout_seconds"))
    yield from number(one.timeout_seconds, (*place, "timeout_seconds"), least=0, most=60)
    yield from number(one.concurrency, (*place, "concurrency"), least=1, most=MOST_AT_ONCE)
    yield from number(one.give_up_hours, (*place, "give_up_hours"), least=0, most=24 * 14)
    yield from number(one.times, (*place, "times"), least=0)
    yield from span(one.hours, (*place, "hours"), "hours")
    if one.quiet_hours:
        try:
            minutes(one.quiet_hours)
        except ValueError:
            wanted = "HH:MM-HH:MM with two different times"
            yield Found((*place, "quiet_hours"), shown(one.quiet_hours), wanted, 'write "22:00-08:00", for example')
    for key in ("title", "text"):
        yield from _template(getattr(one, key), (*place, key))
    yield from _where(one, place)
    yield from _secret(one, place)


def _where(one: Destination, place: Place) -> Iterator[Found]:
    here, parts = (*place, "url"), urlsplit(one.url)
    if one.kind == "webhook":
        if parts.scheme not in ("https", "http") or not parts.hostname:
            yield Found(
                here, shown(one.url), "an address of https", 'write "https://hooks.example/moments", for example'
            )
        elif not one.private and (parts.scheme == "http" or _inside(parts.hostname)):
            wanted = "https to a public address; http, and your own network, only where you say that it is meant"
            yield Found(here, shown(one.url), wanted, "set private = true if it is meant")
    elif one.kind == "push" and parts.scheme not in ("mailto", "https"):
        yield Found(here, shown(one.url), "who sends, for the push services", 'write "mailto:you@shop.example"')
    elif one.kind == "file" and (not one.url or one.url.startswith("/") or ".." in one.url.split("/")):
        yield Found(here, shown(one.url), "a folder within the project's", 'write "deliveries", for example')
    elif one.kind == "kafka":
        try:
            topic_at(one.url)
        except ValueError:
            yield Found(here, shown(one.url), "brokers and a topic", 'write "kafka://broker:9092/moments", for example')
    elif one.kind == "parquet" and "://" not in one.url:
        yield Found(here, shown(one.url), "a folder with its file system", 'write "s3://bucket/events", for example')
    if one.kind in ("notify", "push") and not one.channel:
        yield Found(
            (*place, "channel"), "none", "the channel that it reaches people on", 'write channel = "email", or so'
        )


def _inside(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def _secret(one: Destination, place: Place) -> Iterator[Found]:
    wanted = '{ env = "NAME" } or { file = "path" }'
    secret: Reference | None = one.secret
    if secret is None:
        if one.kind in ("notify", "push"):
            yield Found((*place, "secret"), "none", wanted, "it holds a password, so it isn't written out here")
        elif one.shape in NEEDS_SECRET:
            yield Found((*place, "secret"), "none", wanted, f"it is the key that {one.shape} gave you")
    elif bool(secret.env) == bool(secret.file):
        yield Found((*place, "secret"), "both or neither of env and file", wanted)


def _template(text: str, place: Place) -> Iterator[Found]:
    try:
        ImmutableSandboxedEnvironment(autoescape=False).parse(text)
    except TemplateError as error:
        yield Found(place, shown(text), "a Jinja template", f"{error}"[:160])


def _forward(one: Forward, place: Place, settings: Settings) -> Iterator[Found]:
    yield from number(one.batch, (*place, "batch"), least=1, most=MOST_IN_BATCH)
    yield from number(one.wait_seconds, (*place, "wait_seconds"), least=0, most=3600)
    destination = settings.destinations.get(one.to)
    here, wanted = (
        (*place, "to"),
        "a destination without channel: a webhook (standard or segment), file, kafka or parquet",
    )
    if destination is None:
        known = ", ".join(settings.destinations) or "none"
        yield Found(here, shown(one.to), f"{wanted}; there is {known}", f"add [destinations.{one.to}]")
    elif destination.channel or destination.kind in ("notify", "push") or destination.shape in OF_MOMENTS:
        yield Found(here, shown(one.to), wanted, "name another, or add one")


def _trigger(one: Trigger, place: Place, settings: Settings) -> Iterator[Found]:
    known = ", ".join(settings.destinations) or "none"
    if not one.to:
        yield Found((*place, "to"), "an empty list", f"at least one destination; there is {known}")
    for at, name in enumerate(one.to):
        if name in settings.destinations and settings.destinations[name].kind == "parquet":
            wanted = "a destination for moments; parquet takes events, by a forward"
            yield Found((*place, "to", str(at)), shown(name), wanted)
        if name not in settings.destinations:
            yield Found(
                (*place, "to", str(at)),
                shown(name),
                f"the name of a destination; there is {known}",
                f"add [destinations.{name}] or use one of these",
            )
    yield from number(one.confidence, (*place, "confidence"), least=0, most=1, below=True)
    yield from number(one.lead_minutes, (*place, "lead_minutes"), least=0, most=24 * 60 * 14)
    yield from number(one.delay_minutes, (*place, "delay_minutes"), least=0, most=24 * 60 * 14)
    yield from above_zero(one.within_hours, (*place, "within_hours"))
    yield from number(one.within_hours, (*place, "within_hours"), least=0, most=24 * 14)
