"""What the pure loop may look at: one immutable view, named by digests."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from hashlib import sha256

import msgspec

from micromoments.core.event import BOT, INTERNAL, TEST, Millis
from micromoments.core.moment import Moment, MomentView, Trace
from micromoments.core.person import Person
from micromoments.core.settings import Purpose, Settings, Slot
from micromoments.learn.guard import Guard
from micromoments.policy.base import Policy
from micromoments.recognise.recogniser import Recogniser
from micromoments.recognise.weights import decode
from micromoments.retrieve.catalog import Catalog

WEIGHTS = "weights"
"""What an activation of trained weights says that it activates (``ActivationRecord.what``)."""
CONFIG = "config"
"""What an activation of settings says that it activates."""
EVERY = "*"
"""Among the slots that are switched off: all of them."""
DEFAULT = "default"
"""The key of the policy that held-out people, and those who refused personalisation, are served by."""


@dataclass(frozen=True, slots=True)
class View:
    """Settings, model, catalogue and policies as of one instant.

    ``policies`` are keyed ``<slot>:<name>``. ``catalog`` and ``policies`` are read by ``decide`` only; ``step`` sees
    nothing of them, because what it needs of the catalogue was captured on the record. ``off`` names the slots that
    were switched off by hand, or ``EVERY``. ``guards`` are the evidence of each slot's policy against its default.
    """

    settings: Settings
    config_version: str
    recogniser: Recogniser
    catalog: Catalog
    policies: Mapping[str, Policy]
    off: Set[str] = frozenset()
    guards: Mapping[str, Guard] = field(default_factory=dict)

    def moment(self, moment: Moment, by_mid: Mapping[int, Trace], at: Millis) -> MomentView:
        """A moment as others see it at one instant, its need with the brand and category of the catalogue that its
        words name.
        """
        shown = self.recogniser.view(moment, by_mid, at)
        named = self.catalog.named(moment.need.query) if moment.need.query else {}
        return msgspec.structs.replace(shown, need={**shown.need, **named}) if named else shown

    def slot(self, name: str) -> Slot:
        """The slot of that name as it is in force: off where somebody switched it off."""
        slot = self.settings.slot(name)
        return (
            msgspec.structs.replace(slot, mode="off") if self.off and (name in self.off or EVERY in self.off) else slot
        )

    def share(self, name: str, slot: Slot) -> float:
        """How much of a slot its policy serves beside the default; 1 without a guard, and where nothing is live."""
        if not slot.guard or slot.mode != "live":
            return 1.0
        return self.guards[name].share(slot.guard) if name in self.guards else slot.guard


def bounded(view: View, slot: str) -> bool:
    """Whether what a person was served before bounds what the slot may serve them: caps, campaigns that exclude, offers
    that are had only so often.
    """
    asked = view.settings.slot(slot)
    return bool(asked.caps or view.settings.exclusive or (view.catalog.rations and "offer" in asked.kinds))


def reweighted(view: View, body: bytes) -> View:
    """The view with a recogniser of other weights, as an activation carries them (empty: the shipped ones)."""
    old = view.recogniser
    return replace(view, recogniser=Recogniser(old.settings, old.text, decode(body)))


def configured(view: View, body: bytes, version: str) -> View:
    """The view under other settings, as an activation carries them; as it is where this release can't read them."""
    if body == canonical(view.settings):
        return replace(view, config_version=version)
    old, settings = view.recogniser, settings_of(body)
    if settings is None:
        return view
    recogniser = Recogniser(settings, old.text, old.weights)
    return replace(view, settings=settings, config_version=version, recogniser=recogniser)


def settings_of(body: bytes) -> Settings | None:
    """Settings as an activation carries them; ``None`` where this release can't read them."""
    try:
        return msgspec.json.decode(body, type=Settings, strict=False)
    except msgspec.MsgspecError:
        return None


def config_digest(settings: Settings) -> str:
    """The settings' version: the first 12 hex digits of the SHA-256 of their canonical JSON."""
    return sha256(canonical(settings)).hexdigest()[:12]


def canonical(settings: Settings) -> bytes:
    """Settings as an activation carries them: JSON in one order. A date among them is text when they are read back."""
    return msgspec.json.encode(settings, order="sorted")


def refuses(person: Person | None, purpose: Purpose) -> bool:
    """Whether the person said no to a purpose; silence is not a no (and not a yes)."""
    said = person.consent.get(purpose) if person is not None else None
    return said is not None and not said.value


def counted(marks: int) -> bool:
    """Whether events with these marks count in learning, caps, scorecards and lift."""
    return not marks & (BOT | INTERNAL | TEST)
