"""What ``ports.State`` promises."""

from __future__ import annotations

from pathlib import Path

from micromoments.core.fact import Fact
from micromoments.ports import FIRST, State
from micromoments.testing.clocks import START
from micromoments.testing.contracts.base import batch, close
from micromoments.testing.generators import decision, event_fact, link, mid, person, person_fact


class StateContract:
    """Atomic commits that survive, timers in order, decisions by id, erasure."""

    def open(self, folder: Path) -> State:
        """The state of a folder, new or as it was left."""
        raise NotImplementedError

    def test_an_empty_state_knows_nobody(self, tmp_path: Path) -> None:
        """Loading the unknown gives nothing, and nothing is due."""
        state = self.open(tmp_path)
        assert state.load(["anon:a"], ["anon:a"]) == ({}, {})
        assert (state.load([], []), list(state.due(START, 10)), state.decision("d1")) == (({}, {}), [], None)
        close(state)

    def test_people_and_links_come_back_equal(self, tmp_path: Path) -> None:
        """What was committed is loaded equal, after reopening too; the newest value wins."""
        state = self.open(tmp_path)
        people = {person(n).id: person(n) for n in range(50)}
        state.commit(batch(people=people, links={"anon:a1": link(1)}))
        state.commit(batch(people={"anon:a1": person(1, traces=24)}, links={"anon:a1": link(2)}))
        close(state)
        state = self.open(tmp_path)
        found, links = state.load([*people, "anon:nobody"], ["anon:a1", "anon:a2"])
        assert found == {**people, "anon:a1": person(1, traces=24)}
        assert links == {"anon:a1": link(2)}
        close(state)

    def test_ids_may_hold_anything(self, tmp_path: Path) -> None:
        """Ids with quotes, zero bytes, emoji or a great length are kept apart and found again."""
        state = self.open(tmp_path)
        ids = ["anon:'", 'anon:"', "anon:\x00a", "anon:\x00b", "anon:🙂", "anon:" + "é" * 3000, "anon:", "anon: "]
        state.commit(batch(people={id: person(n) for n, id in enumerate(ids)}, timers=dict.fromkeys(ids, START)))
        assert state.load(ids, [])[0] == {id: person(n) for n, id in enumerate(ids)}
        assert {key for _, key in state.due(START, 100)} == set(ids)
        close(state)

    def test_none_takes_a_person_away(self, tmp_path: Path) -> None:
        """A person or link committed as None is gone, with the timer."""
        state = self.open(tmp_path)
        state.commit(batch(people={"anon:a1": person(1)}, links={"anon:a1": link(1)}))
        state.commit(batch(people={"anon:a1": None, "anon:never": None}, links={"anon:a1": None}))
        assert state.load(["anon:a1"], ["anon:a1"]) == ({}, {})
        assert list(state.due(START * 2, 10)) == []
        close(state)

    def test_timers_are_due_in_order(self, tmp_path: Path) -> None:
        """Due people come earliest first, within the limit, the instant itself included; 0 means no timer."""
        state = self.open(tmp_path)
        people = {person(n).id: person(n) for n in range(5)}
        wakes = {
            "anon:a0": START + 30,
            "anon:a1": START + 10,
            "anon:a2": START + 20,
            "anon:a3": 0,
            "anon:a4": START + 31,
        }
        state.commit(batch(people=people, timers=wakes))
        assert list(state.due(START + 9, 10)) == []
        assert list(state.due(START + 30, 10)) == [
            (START + 10, "anon:a1"),
            (START + 20, "anon:a2"),
            (START + 30, "anon:a0"),
        ]
        assert list(state.due(START + 30, 1)) == [(START + 10, "anon:a1")]
        close(state)

    def test_timers_go_on_after_one(self, tmp_path: Path) -> None:
        """However many are due at one instant, pages that each begin after the last one of the page before give all of
        them once, whatever is in their keys.
        """
        state = self.open(tmp_path)
        keys = [f"anon:{name}" for name in ("a", "b c", "d:e", "f\x00g", "z", "\u00e9", "\U0001f600")]
        state.commit(batch(people={key: person(1) for key in keys}, timers=dict.fromkeys(keys, START)))
        state.commit(batch(people={"anon:later": person(2)}, timers={"anon:later": START + 1}))
        last, found = FIRST, list[tuple[int, str]]()
        while page := state.due(START + 1, 3, after=last):
            found += page
            last = page[-1]
        assert found == [*((START, key) for key in keys), (START + 1, "anon:later")]
        close(state)

    def test_a_timer_can_be_set_alone(self, tmp_path: Path) -> None:
        """A timer without its person in the batch changes only the timer; a person without one keeps the old."""
        state = self.open(tmp_path)
        state.commit(batch(people={"anon:a1": person(1)}, timers={"anon:a1": START}))
        state.commit(batch(people={"anon:a1": person(1, traces=1)}, timers={}))
        assert list(state.due(START, 10)) == [(START, "anon:a1")]
        state.commit(batch(timers={"anon:a1": START + 5}))
        assert list(state.due(START + 4, 10)) == []
        assert state.load(["anon:a1"], [])[0] == {"anon:a1": person(1, traces=1)}
        close(state)

    def test_decisions_are_found_by_id(self, tmp_path: Path) -> None:
        """A committed decision comes back equal by its id; committed again, it is there once."""
        state = self.open(tmp_path)
        state.commit(batch(decisions=[decision(1), decision(2)]))
        state.commit(batch(decisions=[decision(2)]))
        assert (state.decision("d1"), state.decision("d2"), state.decision("d3")) == (decision(1), decision(2), None)
        close(state)

    def test_erasing_removes_people_whole(self, tmp_path: Path) -> None:
        """Erased people go with links, timers and decisions, others stay; their surrogates are given."""
        state = self.open(tmp_path)
        people = {person(n).id: person(n) for n in range(3)}
        made = [decision(0), decision(1), decision(2, person="anon:gone-since", key="anon:a1")]
        state.commit(batch(people=people, links={k: link(0) for k in people}, decisions=made))
        gone = state.erase(frozenset({"anon:a1", "anon:unknown"}), frozenset({"anon:a1"}), 0)
        assert gone == {mid(1)}
        found, links = state.load(list(people), list(people))
        assert (set(found), set(links)) == ({"anon:a0", "anon:a2"}, {"anon:a0", "anon:a2"})
        assert [state.decision(d.id) for d in made] == [decision(0), None, None]
        assert {key for _, key in state.due(START * 2, 10)} == {"anon:a0", "anon:a2"}
        close(state)

    def test_what_is_left_of_a_link_stays(self, tmp_path: Path) -> None:
        """A link that is another's, too, is replaced by what is left of it."""
        state = self.open(tmp_path)
        state.commit(batch(people={"anon:a1": person(1)}, links={"anon:a1": link(1), "anon:a2": link(2)}))
        state.erase(frozenset({"anon:a1"}), frozenset({"anon:a1", "anon:a2"}), 0, {"anon:a2": link(7)})
        assert state.load([], ["anon:a1", "anon:a2"])[1] == {"anon:a2": link(7)}
        close(state)

    def test_erasing_follows_joined_surrogates(self, tmp_path: Path) -> None:
        """A surrogate that was joined into an erased one is given too, over any number of joins."""
        state = self.open(tmp_path)
        facts: list[Fact] = [
            person_fact(7, 8),
            person_fact(8, mid(1)),
            person_fact(9, 10),
            event_fact(1, 7),
            event_fact(2, 9),
        ]
        state.commit(batch(people={"anon:a1": person(1)}, facts=facts))
        assert state.erase(frozenset({"anon:a1"}), frozenset(), 0) == {mid(1), 7, 8}
        close(state)

    def test_the_long_silent_are_let_go(self, tmp_path: Path) -> None:
        """Erasing by age takes who was not heard of since the instant, and nobody for 0."""
        state = self.open(tmp_path)
        state.commit(batch(people={person(n).id: person(n, last=START + n) for n in range(4)}))
        assert state.erase(frozenset(), frozenset(), 0) == frozenset()
        assert state.erase(frozenset(), frozenset(), START + 2) == {mid(0), mid(1)}
        assert set(state.load([f"anon:a{n}" for n in range(4)], [])[0]) == {"anon:a2", "anon:a3"}
        close(state)
