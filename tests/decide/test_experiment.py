"""Assignment by hash: GrowthBook's, deterministic, one unit a person."""

from __future__ import annotations

from micromoments.core.decision import Assignment
from micromoments.core.settings import Experiment, Namespace, Settings, Slot, Switchback
from micromoments.decide import experiment as e
from tests.decide.build import NOW, person

TEST = Experiment(slot="home", variants={"a": 1.0, "b": 1.0}, policies={"b": "squarecb"})


def test_hash_counts_utf16_units() -> None:
    """Letters beyond the basic plane hash as JavaScript's strings do: as two surrogates."""
    assert e.fnv1a32("😀") == e.fnv1a32("\ud83d\ude00")


def test_assignment_is_deterministic_and_even() -> None:
    """The same unit always gets the same variant, and many units split by the weights."""
    settings = Settings(experiments={"t": TEST})
    got = [e.assign(person(), "home", settings, NOW, key=f"anon:{n}")[0] for n in range(4_000)]
    assert (
        got[5]
        == e.assign(person(), "home", settings, NOW, key="anon:5")[0]
        == Assignment("t", got[5].variant, "anon:5", NOW)
    )
    assert abs(sum(one.variant == "a" for one in got) / 4_000 - 0.5) < 0.03


def test_coverage_slot_and_running() -> None:
    """Outside the coverage, in another slot, or when it no longer runs, nobody is in an experiment."""
    half = Settings(experiments={"t": Experiment(slot="home", variants={"a": 3.0, "b": 1.0}, coverage=0.5)})
    got = [e.assign(person(), "home", half, NOW, key=f"anon:{n}") for n in range(4_000)]
    assert abs(sum(bool(one) for one in got) / 4_000 - 0.5) < 0.03
    assert abs(sum(one[0].variant == "a" for one in got if one) / sum(map(bool, got)) - 0.75) < 0.04
    assert e.assign(person(), "other", Settings(experiments={"t": TEST}), NOW) == ()
    over = Settings(experiments={"t": Experiment(slot="home", variants={"a": 1.0}, running=False)})
    assert e.assign(person(), "home", over, NOW) == ()


def test_first_exposure_stays() -> None:
    """A kept assignment is given again, whatever the key is now; one whose variant is gone is not."""
    kept = Assignment("t", "b", "anon:first", 5)
    who = person(assignments={"t": kept})
    assert e.assign(who, "home", Settings(experiments={"t": TEST}), NOW, key="user:ana") == (kept,)
    other = Settings(experiments={"t": Experiment(slot="home", variants={"c": 1.0})})
    assert e.assign(who, "home", other, NOW) == (Assignment("t", "c", "anon:first", NOW),)


def test_one_unit_for_all_experiments() -> None:
    """Who was exposed to anything keeps that unit for what comes later, holdouts included."""
    who = person(assignments={"old": Assignment("old", "a", "anon:first", 5)})
    assert e.unit_of(who, "user:ana", "new") == "anon:first"
    assert e.unit_of(person(), "user:ana", "new") == "user:ana"
    assert e.holdout(who, "home", Slot(holdout=0.5), NOW, key="user:ana")[1] == "anon:first"


def test_holdout_has_its_own_salt_and_only_grows() -> None:
    """About the share asked for is held out, independently of experiments; a larger share keeps the smaller's."""
    units = [f"anon:{n}" for n in range(4_000)]
    small = {u for u in units if e.held_out(u, "home", 0.1)}
    large = {u for u in units if e.held_out(u, "home", 0.2)}
    assert small < large
    assert abs(len(large) / 4_000 - 0.2) < 0.02
    variants = [e.assign(person(), "home", Settings(experiments={"t": TEST}), NOW, key=u)[0].variant for u in large]
    assert abs(variants.count("a") / len(variants) - 0.5) < 0.06
    assert not any(e.held_out(u, "home", 0.0) for u in units)


def test_holdout_is_kept_as_an_assignment() -> None:
    """With a holdout there is an assignment to keep, with the instant of the first; without one there is none."""
    held, unit, kept = e.holdout(person(), "home", Slot(holdout=0.999), NOW, key="anon:a1")
    assert (held, unit, kept) == (True, "anon:a1", Assignment("holdout:home", "held", "anon:a1", NOW))
    again = e.holdout(person(assignments={"holdout:home": kept}), "home", Slot(holdout=0.999), NOW + 9, key="user:ana")
    assert again == (True, "anon:a1", kept)
    assert e.holdout(person(), "home", Slot(), NOW, key="anon:a1") == (False, "anon:a1", None)


def test_a_variant_may_name_its_policy() -> None:
    """The policy is the variant's where an experiment names one, else the slot's."""
    settings = Settings(experiments={"t": TEST})
    assert e.policy_name(Slot(), settings, (Assignment("t", "b", "u", 1),)) == "squarecb"
    assert (
        e.policy_name(Slot(), settings, (Assignment("t", "a", "u", 1), Assignment("holdout:home", "held", "u", 1)))
        == "adaptive"
    )


def test_a_namespace_keeps_experiments_apart() -> None:
    """Two experiments with the two halves of a namespace share nobody, and leave nobody out."""
    halves = {
        name: Experiment(
            slot="home", variants={"a": 1.0, "b": 1.0}, namespace=Namespace(name="ns", start=low, end=high)
        )
        for name, low, high in (("one", 0.0, 0.5), ("two", 0.5, 1.0))
    }
    got = [e.assign(person(), "home", Settings(experiments=halves), NOW, key=f"anon:{n}") for n in range(2_000)]
    assert {len(one) for one in got} == {1}
    assert abs(sum(one[0].key == "one" for one in got) / 2_000 - 0.5) < 0.04


def test_a_condition_says_whom_it_concerns() -> None:
    """Who doesn't match gets no variant, also where one was kept."""
    test = Experiment(slot="home", variants={"a": 1.0, "b": 1.0}, condition={"country": "FI"})
    settings = Settings(experiments={"t": test})
    kept = person(assignments={"t": Assignment("t", "b", "anon:first", 5)})
    assert e.assign(kept, "home", settings, NOW, attributes={"country": "SE"}) == ()
    assert e.assign(kept, "home", settings, NOW, attributes={"country": "FI"})[0].variant == "b"


def test_a_raised_version_deals_anew_and_a_lower_one_may_be_left_out() -> None:
    """Sticky until the bucket version is raised; under the least version people are left out."""
    old = person(assignments={"t": Assignment("t", "b", "anon:first", 5)})
    for version, least, wanted in ((0, 0, 5), (1, 0, NOW), (1, 1, None)):
        test = Experiment(slot="home", variants={"b": 1.0}, bucket_version=version, min_bucket_version=least)
        got = e.assign(old, "home", Settings(experiments={"t": test}), NOW)
        assert (got[0].at if got else None) == wanted
        assert not got or got[0].version == version


def test_a_switchback_deals_blocks_of_a_zones_time() -> None:
    """Everyone in a zone and block gets one variant; blocks and zones differ; in the wash-out it isn't counted."""
    plan = Switchback(zone="zone", block_minutes=60, washout_minutes=10)
    settings = Settings(experiments={"t": Experiment(slot="home", variants={"a": 1.0, "b": 1.0}, switchback=plan)})
    hour, start = 3_600_000, NOW - NOW % 3_600_000

    def dealt(zone: str, at: int, key: str = "anon:1") -> Assignment:
        return e.assign(person(), "home", settings, at, key=key, attributes={"zone": zone})[0]

    at = start + 20 * 60_000
    assert len({dealt("north", at, f"anon:{n}").variant for n in range(50)}) == 1
    variants = [dealt("north", at + n * hour).variant for n in range(400)]
    assert abs(variants.count("a") / 400 - 0.5) < 0.08
    assert variants != [dealt("south", at + n * hour).variant for n in range(400)]
    assert dealt("north", start + 60_000).unit == e.WASHOUT
    assert dealt("north", start + 60_000).variant == dealt("north", at).variant
    assert e.assign(person(), "home", settings, at, attributes={}) == ()
