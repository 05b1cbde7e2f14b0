"""The settings of one project: slots, goals, experiments, caps, half-lives. Values only; ``config`` reads them from
TOML.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from micromoments.core.event import Millis
from micromoments.core.item import KINDS, Kind

Mode = Literal["live", "ramp", "shadow", "observe", "off"]
Purpose = Literal["measure", "personalise", "location", "contact", "share"]
PURPOSES: tuple[Purpose, ...] = ("measure", "personalise", "location", "contact", "share")

CHANNELS = ("email", "sms", "chat", "push")
"""Channels that reach a person, each with a consent of its own beside *contact*: ``contact_email`` and so on."""
CATEGORIES: dict[str, tuple[Purpose, ...]] = {
    "Analytics": ("measure",),
    "Functional": ("personalise",),
    "Personalization": ("personalise",),
    "Advertising": ("share",),
    "Marketing": ("share",),
    "DataSharing": ("share",),
}
"""What the usual categories of Segment's consent context mean."""

MINUTE: Millis = 60_000
HOUR: Millis = 60 * MINUTE
DAY: Millis = 24 * HOUR


POLICIES = ("adaptive", "thompson", "squarecb", "epsilon", "linucb", "popular", "first", "random", "rules")
"""The policies of the package; other packages may bring more."""
POLICY_POINTS = "micromoments.policies"
"""The entry points' group: ``name = "package.module:Class"`` makes a class available to every slot under that name."""


class Cap(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """At most ``times`` deliveries to a person in ``hours``, counted by item, campaign, slot, the slot's channel, or in
    all (``person`` says the same).
    """

    times: int
    hours: float = 24.0
    by: Literal["item", "campaign", "slot", "channel", "person", "all"] = "item"


class Slot(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where something is served. A slot that no configuration names has these defaults.

    ``assume_seen`` counts a decision as seen when it was answered (a push, a page that shows what it got); otherwise
    reward 0 is learned only for decisions with a ``Decision Seen``. ``floor`` is the least propensity mass spread
    evenly over the eligible. ``holdout`` is the share of people, [0, 1), who get ``default`` instead. ``ramp`` is the
    share of people served in the mode of that name; the others are in shadow. ``quiet_hours`` (``22:00-08:00``) are in
    the person's zone. With ``priorities`` items of a higher priority come first; ``value_weight`` tilts the policy's
    distribution towards items of more business value. ``people`` is about how many the proof is planned for; 0: none.
    ``guard`` is the share of what ``default`` earns that the policy may cost, 0 for no guard. ``reward`` is what the
    policy learns to bring about: goals, or the money that they are worth.
    """

    kinds: tuple[Kind, ...] = KINDS
    policy: str = "adaptive"
    default: Literal["popular", "first", "nothing"] = "popular"
    goal: str = ""
    limit: int = 3
    holdout: float = 0.0
    floor: float = 0.05
    mode: Mode = "live"
    assume_seen: bool = False
    caps: tuple[Cap, ...] = ()
    window_minutes: float = 30.0
    categories: tuple[str, ...] = ()
    condition: dict[str, Any] | None = None
    ramp: float = 0.1
    channel: str = ""
    quiet_hours: str = ""
    priorities: bool = False
    value_weight: float = 0.0
    people: int = 0
    guard: float = 0.0
    reward: Literal["count", "revenue", "margin"] = "count"


class Recommend(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the model of sessions is learned: every so many hours while serving (0: never), from at least so many
    sessions of two items or more.
    """

    train_hours: float = 24.0
    least_sessions: int = 500


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A merchandiser's rule: what ``where`` matches (a condition on an item's fields) is pinned, boosted, buried or
    excluded, in ``slots`` (all where empty), for whom ``condition`` matches, from ``starts`` until ``ends`` (RFC 3339).

    ``position`` is where a pin stands, from 1; ``factor`` how much a boost multiplies the odds. ``measure`` is the
    share of people without the rule, [0, 1), who prove what it costs.
    """

    action: Literal["pin", "boost", "bury", "exclude"]
    where: dict[str, Any]
    slots: tuple[str, ...] = ()
    condition: dict[str, Any] | None = None
    position: int = 1
    factor: float = 2.0
    owner: str = ""
    reason: str = ""
    starts: str = ""
    ends: str = ""
    measure: float = 0.0


class Goal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An event that means success. ``value`` names the property that carries its worth (major units) or is a constant.

    ``margin`` names the property that carries what is left of it, or is a share of the value. ``trusted`` counts only
    events that arrived under the secret key. ``ends`` are the moment types that it fulfils.
    """

    event: str
    value: str | float = 1.0
    currency: str = ""
    window_hours: float = 24.0
    trusted: bool = False
    where: dict[str, Any] = {}
    ends: tuple[Literal["know", "go", "do", "buy"], ...] = ()
    margin: str | float = "margin"


class Namespace(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The part [start, end) of a namespace's people, 0 to 1: experiments with other parts of it share nobody."""

    name: str
    start: float
    end: float


class Switchback(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Variants switch by zone and block of time instead of by person, where people share supply or a budget.

    ``zone`` is the field of the request's context that names it. Decisions in the first ``washout_minutes`` of a block
    are served and not counted.
    """

    zone: str = "zone"
    block_minutes: float = 60.0
    washout_minutes: float = 0.0


class Experiment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A deterministic split of people; ``salt`` (its key unless set) and weights can't change while it runs.

    ``condition`` says whom it concerns. A kept variant stays (sticky) until ``bucket_version`` is raised, which deals
    anew; who was dealt under a version below ``min_bucket_version`` is left out. ``people``: about how many it is
    planned for; 0: no plan. ``values``: what variants mean as a flag, any JSON; the variant's name if nothing is said.
    """

    slot: str
    variants: dict[str, float]
    policies: dict[str, str] = {}
    goal: str = ""
    salt: str = ""
    coverage: float = 1.0
    running: bool = True
    condition: dict[str, Any] | None = None
    namespace: Namespace | None = None
    bucket_version: int = 0
    min_bucket_version: int = 0
    switchback: Switchback | None = None
    people: int = 0
    values: dict[str, Any] = {}


class Budget(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Units that a campaign may spend in all; exact means never over.

    With ``pacing`` *even* at most the share of its units that the time between ``starts`` and ``ends`` (RFC 3339) has
    gone by may be used.
    """

    units: int
    hold_minutes: float = 60.0
    pacing: Literal["fast", "even"] = "fast"
    starts: str = ""
    ends: str = ""


class Recognition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How evidence fades and when a moment ends: half-lives and lifetimes in minutes, by type.

    ``threshold`` is the least probability of any intent (1 - none) at which a moment opens. ``sensitive`` are a
    business's own words of needs that are recognised in order to be forgotten, by category, beside those that ship.
    """

    half_life: dict[str, float] = msgspec.field(
        default_factory=lambda: {"know": 8.0, "go": 15.0, "do": 30.0, "buy": 30.0}
    )
    lifetime: dict[str, float] = msgspec.field(
        default_factory=lambda: {"know": 20.0, "go": 45.0, "do": 90.0, "buy": 60.0}
    )
    threshold: float = 0.55
    sensitive: dict[str, tuple[str, ...]] = {}


class Intake(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is kept out of the counts: internal people, test orders, and the words that are scrubbed."""

    internal_ids: tuple[str, ...] = ()
    internal_domains: tuple[str, ...] = ()
    internal_ips: tuple[str, ...] = ()
    test_property: str = "test"
    scrub: bool = True
    max_events_per_minute: int = 300


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long things are kept, in days: the log (a recovery buffer), facts, and people not heard of."""

    log_days: float = 14.0
    facts_days: float = 730.0
    people_days: float = 400.0


class Reference(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a secret is: an environment variable, or a file beside the settings. It is never written out."""

    env: str = ""
    file: str = ""


class Destination(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where deliveries go. With a ``channel`` it reaches the person, who must have agreed to be contacted on it;
    without one it is a machine's, and ``purpose`` (``share`` unless set) must be agreed to.

    ``shape`` is how a webhook's body is written. ``title`` and ``text`` are Jinja templates. ``private`` allows an
    address inside your own network. ``times`` in ``hours`` caps what one person gets (0: no cap).
    """

    kind: Literal["webhook", "notify", "push", "file", "parquet", "kafka"] = "webhook"
    url: str = ""
    secret: Reference | None = None
    shape: Literal["standard", "segment", "braze", "klaviyo", "customerio"] = "standard"
    channel: Literal["", "email", "sms", "chat", "push"] = ""
    purpose: Literal["", "measure", "personalise", "contact", "share"] = ""
    title: str = "{{ items[0].title if items else moment.need.query }}"
    text: str = "{{ items[0].reasons | join(' ') if items else '' }}"
    attribute: str = "micromoment"
    private: bool = False
    timeout_seconds: float = 10.0
    concurrency: int = 4
    give_up_hours: float = 24.0
    quiet_hours: str = ""
    times: int = 0
    hours: float = 24.0


class Trigger(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is delivered when a moment turns, once a moment: to every machine among ``to``, and on the first channel
    among them that the person allows.

    ``slot`` is decided for (none: the moment alone is told). ``confidence`` is the least probability of the moment's
    type. ``expiring`` is ``lead_minutes`` before the end. With ``when`` *best* it waits for the hour at which this
    person is most active. Later than ``within_hours`` it isn't sent.
    """

    to: tuple[str, ...]
    on: Literal["opened", "strengthened", "expiring", "abandoned", "expired", "fulfilled", "ended"] = "opened"
    types: tuple[Literal["know", "go", "do", "buy"], ...] = ()
    slot: str = ""
    confidence: float = 0.0
    lead_minutes: float = 10.0
    delay_minutes: float = 0.0
    when: Literal["now", "best"] = "now"
    within_hours: float = 24.0


class Forward(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Events as they came, passed on to one machine in the Segment shape, in the log's order, from when it is set up.

    ``types`` are the calls, ``events`` the names that are passed on (``*`` at the end stands for any rest; empty: all),
    ``without`` those that aren't. A batch leaves when there are ``batch`` events, or after ``wait_seconds``.
    """

    to: str
    types: tuple[Literal["track", "page", "screen", "identify", "group", "alias"], ...] = ()
    events: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    batch: int = 100
    wait_seconds: float = 1.0


def topic_at(url: str) -> tuple[str, str]:
    """The brokers, by commas, and the topic that an address of Kafka names.

    Raises:
        ValueError: it has not both.

    >>> topic_at("kafka://b1:9092,b2:9092/moments")
    ('b1:9092,b2:9092', 'moments')
    """
    scheme, _, rest = url.partition("://")
    brokers, _, topic = rest.partition("/")
    if scheme != "kafka" or not brokers or not topic or "/" in topic:
        raise ValueError(f"got {url!r}; wanted kafka://broker:9092/topic, several brokers by commas")
    return brokers, topic


GUARDS: dict[str, Goal] = {
    "opt_out": Goal(event="Consent Updated", where={"personalise": False}),
    "unsubscribe": Goal(event="Unsubscribed"),
    "complaint": Goal(event="Complaint Received"),
}
"""What must not rise: guard-rail goals of every experiment, unless the project says others."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All settings of a project; every default is sensible, so a project needs none.

    ``consent`` is what holds before a person said anything, by purpose. It is empty by default: unknown means no.
    ``origins`` are the web origins that may call the doors from a browser (``*`` for any). ``exclusive`` are groups of
    campaigns of which a person gets one. ``guards`` are goals that must not rise, looked at in every proof.
    """

    name: str = "my-shop"
    timezone: str = "UTC"
    currency: str = "USD"
    origins: tuple[str, ...] = ()
    consent: tuple[Purpose, ...] = ()
    consent_categories: dict[str, tuple[Purpose, ...]] = msgspec.field(default_factory=lambda: dict(CATEGORIES))
    slots: dict[str, Slot] = {}
    goals: dict[str, Goal] = msgspec.field(
        default_factory=lambda: {"order": Goal(event="Order Completed", value="revenue", ends=("buy",))}
    )
    experiments: dict[str, Experiment] = {}
    budgets: dict[str, Budget] = {}
    rules: dict[str, Rule] = {}
    exclusive: tuple[tuple[str, ...], ...] = ()
    guards: dict[str, Goal] = msgspec.field(default_factory=lambda: dict(GUARDS))
    destinations: dict[str, Destination] = {}
    triggers: dict[str, Trigger] = {}
    forwards: dict[str, Forward] = {}
    synonyms: dict[str, tuple[str, ...]] = {}
    recognition: Recognition = Recognition()
    intake: Intake = Intake()
    retention: Retention = Retention()
    recommend: Recommend = Recommend()
    roads: str = ""
    meaning: str = ""

    def slot(self, name: str) -> Slot:
        """The slot of that name, or the defaults where no configuration names it."""
        return self.slots.get(name, DEFAULT_SLOT)


DEFAULT_SLOT = Slot()
