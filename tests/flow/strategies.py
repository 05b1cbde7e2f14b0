"""Generated people, parts and traces."""

from __future__ import annotations

from hypothesis import strategies as st

from micromoments.core.decision import Assignment
from micromoments.core.moment import Need, Signal, Trace
from micromoments.core.person import Part, Pending, Person, Served, Stamp, State, Trait, Words
from micromoments.flow import consent, people

instants = st.integers(1, 5_000)
mids = st.integers(0, 40)


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    """A trace whose signal is a function of its hash, as the same message always says the same."""
    mid = draw(mids)
    signal = Signal((mid, 0, 0, 2 * mid, 0), ("searched", "viewed", "added")[mid % 3], Need(item=f"p{mid % 5}"))
    return Trace(draw(instants), mid, signal, "web")


@st.composite
def parts(draw: st.DrawFn) -> Part:
    """A part grown by inserting traces."""
    part = Part()
    for trace in draw(st.lists(traces(), max_size=9)):
        part = people.insert(part, trace)
    return part


stamps = st.builds(Stamp, instants, mids)
traits = st.dictionaries(st.sampled_from("abc"), stamps.map(lambda s: Trait(s, s.mid % 3)), max_size=3)
purposes = st.sampled_from(["share", "contact"])
words = st.none() | stamps.map(lambda s: Trait(s, bool(s.mid % 2)))
"""What was said at an instant follows from the message's hash: one message says one thing."""


@st.composite
def states(draw: st.DrawFn) -> State:
    """What a device's consent tool said last, and that it may have agreed before."""
    stamp, agreed = draw(stamps), draw(st.dictionaries(purposes, instants, max_size=2))
    said = {p: bool(stamp.mid % 3) for p in draw(st.sampled_from([("share",), ("contact", "share")]))}
    return State(stamp, bool(stamp.mid % 2), said, dict(sorted(agreed.items())))


@st.composite
def sayings(draw: st.DrawFn) -> consent.Said:
    """What was said of consent under several ids."""
    told = draw(
        st.dictionaries(purposes, st.builds(Words, words, words, words).filter(lambda w: w != Words()), max_size=2)
    )
    devices = draw(st.dictionaries(st.integers(1, 8), states(), max_size=4))
    return consent.join(consent.Said({}, {}), consent.Said(told, devices))


served = st.lists(
    st.builds(
        Served, instants, st.sampled_from(["p1", "p2"]), st.just("home"), st.just(""), st.sampled_from(["d1", "d2"])
    ),
    max_size=4,
)
pending = st.lists(
    st.builds(
        Pending,
        st.sampled_from(["d1", "d2", "d3"]),
        st.just("home"),
        st.just(10),
        st.just(90),
        st.just(("p1",)),
        seen=st.sampled_from([0, 20, 30]),
        done=st.lists(st.sampled_from(["o1", "o2"]), unique=True).map(lambda x: tuple(sorted(x))),
    ),
    max_size=3,
    unique_by=lambda p: p.id,
)
noted = st.dictionaries(st.sampled_from(["p1", "p2", "p3"]), instants, max_size=3)
purchases = st.dictionaries(
    st.sampled_from(["p1", "p2", "long" * 80, "longer" * 70, "longest" * 60]),
    st.sets(st.integers(1, 9), min_size=1).map(lambda days: tuple(sorted(days))),
)
assignments = st.dictionaries(
    st.just("hero"), instants.map(lambda at: Assignment("hero", "ab"[at % 2], "uv"[at % 2], at)), max_size=1
)


@st.composite
def persons(draw: st.DrawFn) -> Person:
    """A person as two sources and any decisions may have left them."""
    keys = draw(st.lists(st.sampled_from(["anon:x", "anon:y>u", "user:u"]), unique=True))
    said = draw(sayings())
    return Person(
        id=draw(st.sampled_from(["anon:x", "user:u", "user:v"])),
        surrogate=draw(st.integers(1, 9)),
        parts={k: draw(parts()) for k in sorted(keys)},
        traits=dict(sorted(draw(traits).items())),
        consent=consent.held(said),
        pending=people.join_pending(draw(pending), ()),
        served=people.join_served(draw(served), ()),
        bought=people.latest(draw(noted)),
        dismissed=people.latest(draw(noted)),
        assignments=draw(assignments),
        marks=draw(st.integers(0, 3)),
        first=draw(instants),
        last=draw(instants),
        words=said.words,
        states=said.states,
        purchases=people.join_purchases({}, draw(purchases)),
    )
