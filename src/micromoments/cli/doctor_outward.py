"""The doctor's check of destinations: each can be opened, with its secret and what it needs installed."""

from __future__ import annotations

from micromoments.cli.doctor_setup import Setup
from micromoments.cli.finding import Finding, error, note, ok, warning
from micromoments.config import ConfigError, load
from micromoments.core.settings import Settings
from micromoments.engine.wiring import open_channel

NAME = "destinations"


def destinations(setup: Setup) -> list[Finding]:
    """What is missing of each destination, webhooks that go unsigned, and destinations that no trigger names; nothing
    is sent, and no secret shown. What is wrong with the file itself is another check's.
    """
    try:
        settings = load(setup.folder)
    except (ConfigError, OSError):
        return []
    found = [finding for name in settings.destinations for finding in _one(setup, settings, name)]
    if found or not settings.destinations:
        return found
    return [ok(NAME, f"{', '.join(sorted(settings.destinations))} can be opened")]


def _one(setup: Setup, settings: Settings, name: str) -> list[Finding]:
    destination = settings.destinations[name]
    try:
        open_channel(setup.folder, name, destination, setup.environment).close()
    except ValueError as problem:
        return [error(NAME, str(problem), "a destination that can be opened", "docs/howto/deliver.md has examples")]
    found: list[Finding] = []
    if destination.kind == "webhook" and destination.shape == "standard" and destination.secret is None:
        todo = "set secret, so that its receiver can tell that it was you"
        found.append(warning(NAME, f"destinations.{name} unsigned", "a secret to sign with", todo))
    named = {to for trigger in settings.triggers.values() for to in trigger.to}
    if name not in named | {forward.to for forward in settings.forwards.values()}:
        todo = "name it in a trigger or a forward, or take it out"
        found.append(note(NAME, f"destinations.{name} in no trigger's list, and no forward's", todo))
    return found
