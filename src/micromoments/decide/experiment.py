"""Experiments and holdouts: who gets which variant, by hash alone, so that every server and every replay agrees.

Source: GrowthBook, "Build your own SDK" (hash version 2, bucket ranges by coverage and weights), spec 0.8.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from math import isfinite
from typing import Any

from micromoments.core.decision import Assignment
from micromoments.core.event import Millis
from micromoments.core.person import Person
from micromoments.core.settings import MINUTE, Experiment, Settings, Slot, Switchback
from micromoments.decide import targeting

HOLDOUT = "holdout:"
"""The salt of a slot's holdout, and the key under which its assignment is kept, is this and the slot's name."""
HELD, SERVED = "held", "served"
RAMP = "ramp:"
"""The salt of a slot's ramp is this and the slot's name."""
MAX_ZONE = 128
"""Characters of a zone's name that tell it from others: the caller says it, and it is kept with the decision."""
WASHOUT = "washout"
"""The unit of a switchback's assignment while a block still feels the one before."""


def fnv1a32(text: str) -> int:
    """FNV-1a, 32 bits, over UTF-16 code units, as JavaScript's ``charCodeAt`` gives them."""
    if text.isascii():
        units: Sequence[int] = text.encode()
    else:
        data = text.encode("utf-16-le", "surrogatepass")
        units = [data[i] | data[i + 1] << 8 for i in range(0, len(data), 2)]
    value = 0x811C9DC5
    for unit in units:
        value = ((value ^ unit) * 0x01000193) & 0xFFFFFFFF
    return value


def hashed(seed: str, value: str, version: int) -> float | None:
    """GrowthBook's hash: [0, 1) in thousandths (version 1) or ten-thousandths (version 2); ``None`` for another
    version.
    """
    if version == 2:
        return fnv1a32(str(fnv1a32(seed + value))) % 10_000 / 10_000
    if version == 1:
        return fnv1a32(value + seed) % 1_000 / 1_000
    return None


@lru_cache(maxsize=16_384)
def bucket(unit: str, salt: str) -> float:
    """Where a unit falls in [0, 1) under a salt (hash version 2)."""
    return fnv1a32(str(fnv1a32(salt + unit))) % 10_000 / 10_000


def ranges(count: int, coverage: float = 1.0, weights: Sequence[float] | None = None) -> list[tuple[float, float]]:
    """The half-open bucket ranges of ``count`` variants: each variant's share of its weight, from where its weight
    begins.

    Weights that don't sum to about 1, or not one a variant, are taken as equal, as GrowthBook's SDKs do.
    """
    even = [1.0 / count] * count if count > 0 else []
    shares = list(weights) if weights is not None else even
    sound = len(shares) == count and all(isfinite(w) and w >= 0.0 for w in shares) and 0.99 <= sum(shares) <= 1.01
    start, out = 0.0, []
    for share in shares if sound else even:
        out.append((start, start + min(1.0, max(0.0, coverage)) * share))
        start += share
    return out


def choose(place: float, among: Sequence[tuple[float, float]]) -> int:
    """The variant whose range holds a place in [0, 1); -1 where none does."""
    return next((i for i, (low, high) in enumerate(among) if low <= place < high), -1)


def unit_of(person: Person, key: str, name: str) -> str:
    """The id that a person is hashed by for an experiment: that of their first exposure to it; else that of their
    first exposure to anything (so that it is one person's one id); else the key of this request.
    """
    own = person.assignments.get(name)
    if own is not None:
        return own.unit
    if person.assignments:
        return min(person.assignments.values(), key=lambda a: (a.at, a.key, a.unit)).unit
    return key


def assign(
    person: Person,
    slot_name: str,
    settings: Settings,
    now: Millis,
    *,
    key: str = "",
    attributes: Mapping[str, Any] | None = None,
) -> tuple[Assignment, ...]:
    """The person's variants in the running experiments of a slot, by name; those outside the coverage, the condition or
    the namespace's part get none.

    ``key`` is the request's; the person's id where it is empty. ``attributes`` are what a condition may speak of, with
    the request's context. A kept assignment stays for as long as its variant exists and the experiment's
    ``bucket_version`` is the one that it was dealt under. In a switchback the unit is the zone's block of time; while
    it washes out, the unit is ``WASHOUT``: served, and not counted.
    """
    out: list[Assignment] = []
    known = attributes if attributes is not None else {}
    for name in sorted(settings.experiments):
        experiment = settings.experiments[name]
        if not experiment.running or experiment.slot != slot_name:
            continue
        if experiment.condition is not None and not targeting.matches(known, experiment.condition):
            continue
        if experiment.switchback is not None:
            out.extend(_switched(name, experiment, experiment.switchback, known, now))
            continue
        kept = person.assignments.get(name)
        if kept is not None and kept.version < experiment.min_bucket_version:
            continue
        if kept is not None and kept.version == experiment.bucket_version and kept.variant in experiment.variants:
            out.append(kept)
            continue
        unit = unit_of(person, key or person.id, name)
        part = experiment.namespace
        if part is not None and not in_namespace(unit, part.name, part.start, part.end):
            continue
        variant = _variant(experiment, bucket(unit, experiment.salt or name))
        if variant:
            out.append(Assignment(name, variant, unit, now, experiment.bucket_version))
    return tuple(out)


def _variant(experiment: Experiment, place: float) -> str:
    """The variant whose range holds a place; empty outside the coverage."""
    variants = list(experiment.variants)
    total = sum(experiment.variants.values())
    weights = [experiment.variants[v] / total for v in variants] if total > 0.0 else None
    chosen = choose(place, ranges(len(variants), experiment.coverage, weights))
    return variants[chosen] if chosen >= 0 else ""


def _switched(
    name: str, experiment: Experiment, plan: Switchback, known: Mapping[str, Any], now: Millis
) -> Iterator[Assignment]:
    """The variant of a zone's present block of time; nothing where the context names no zone."""
    zone = known.get(plan.zone)
    if not isinstance(zone, str | int) or zone == "":
        return
    block, into = divmod(now, max(1, round(plan.block_minutes * MINUTE)))
    unit = f"{str(zone)[:MAX_ZONE]}@{block}"
    variant = _variant(experiment, bucket(unit, experiment.salt or name))
    if variant:
        washing = into < plan.washout_minutes * MINUTE
        yield Assignment(name, variant, WASHOUT if washing else unit, now, experiment.bucket_version)


def in_namespace(unit: str, name: str, start: float, end: float) -> bool:
    """Whether a unit belongs to the part [start, end) of a namespace (GrowthBook's hash, version 1)."""
    place = hashed(f"__{name}", unit, 1)
    return place is not None and start <= place < end


def ramped(unit: str, slot_name: str, share: float) -> bool:
    """Whether a unit belongs to the share of a slot's people who are served while it ramps up: a larger share keeps the
    smaller one's people.
    """
    return bucket(unit, RAMP + slot_name) < share


def held_out(unit: str, slot_name: str, share: float) -> bool:
    """Whether a unit belongs to the share of a slot's people who get the default; its own salt, so no experiment
    shows.
    """
    return share > 0.0 and bucket(unit, HOLDOUT + slot_name) < share


def holdout(
    person: Person, slot_name: str, slot: Slot, now: Millis, *, key: str
) -> tuple[bool, str, Assignment | None]:
    """Whether a person is held out of a slot, by which unit, and the assignment to keep (``None`` without a holdout).

    The unit is kept through merges, the answer is hashed anew: raising the share moves people one way only.
    """
    name = HOLDOUT + slot_name
    unit = unit_of(person, key, name)
    if slot.holdout <= 0.0:
        return False, unit, None
    held = held_out(unit, slot_name, slot.holdout)
    kept = person.assignments.get(name)
    return held, unit, Assignment(name, HELD if held else SERVED, unit, kept.at if kept is not None else now)


def policy_name(slot: Slot, settings: Settings, assignments: Sequence[Assignment]) -> str:
    """The policy that a person's variants ask for: the first experiment that names one for its variant, else the
    slot's.
    """
    for given in assignments:
        experiment = settings.experiments.get(given.key)
        named = experiment.policies.get(given.variant, "") if experiment is not None else ""
        if named:
            return named
    return slot.policy
