"""The people in memory: what changed and is due, what is taken back, and whom memory lets go of."""

from micromoments.core.person import Link, Person
from micromoments.engine.residents import Residents
from micromoments.engine.verify import Empty
from micromoments.testing.generators import link, person


def _filled(count: int, limit: int) -> Residents:
    residents = Residents(Empty(), limit)
    for n in range(count):
        residents.keep(Person(id=f"anon:{n}", surrogate=n))
        residents.tie(f"anon:{n}", Link())
    return residents


def test_whom_the_state_has_go_one_by_one_down_to_the_limit() -> None:
    """A step frees one person or link, the longest resident first; the newest stay."""
    residents = _filled(10, limit=6)
    residents.begin()
    residents.committed()
    left = [len(residents) for _ in residents.let_go()]
    assert left == [9, 8, 7, 6, 6, 6, 6, 6]
    assert [id for id in residents._people if id in residents._links] == [f"anon:{n}" for n in range(4, 10)]
    assert list(residents.let_go()) == []


def test_of_which_ids_something_is_known() -> None:
    """The links of those that were expected, without those of which nothing is known."""
    residents, known = Residents(Empty()), link(1)
    residents.tie("anon:known", known)
    residents.expect((), ["anon:known", "anon:new"])
    assert residents.tied(["anon:known", "anon:new"]) == {"anon:known": known}


def test_whom_the_state_has_not_stay() -> None:
    """Who changes between two steps is not let go of, and neither is anybody whom no commit has taken."""
    residents = _filled(4, limit=1)
    residents.begin()
    residents.committed()
    steps = residents.let_go()
    next(steps)
    changed = Person(id="anon:1", surrogate=7)
    residents.keep(changed)
    list(steps)
    assert residents._people == {"anon:1": changed}
    residents = _filled(3, limit=1)
    assert list(residents.let_go()) == []
    assert len(residents) == 3


def test_what_is_taken_back_is_due_as_it_was() -> None:
    """A record that can't be folded leaves the change of the record before to the next commit, and none of its own."""
    residents, one, other = Residents(Empty()), person(1), person(2)
    residents.keep(one)
    residents.mark()
    residents.keep(person(1, traces=3))
    residents.keep(other)
    residents.undo()
    assert residents.begin() == ({one.id: one}, {})


def test_a_commit_writes_people_as_they_were_when_it_began() -> None:
    """What is folded meanwhile is the next commit's."""
    residents, before, after = Residents(Empty()), person(1), person(1, traces=3)
    residents.keep(before)
    people, _ = residents.begin()
    residents.keep(after)
    assert people == {before.id: before}
    residents.committed()
    assert residents.begin()[0] == {after.id: after}


def test_a_commit_that_fails_is_due_again_with_what_came_since() -> None:
    """The newest of each, and those who didn't change again, too."""
    residents, old, new, other = Residents(Empty()), person(1), person(1, traces=3), person(2)
    for each in (old, other):
        residents.keep(each)
    residents.begin()
    residents.keep(new)
    residents.failed()
    assert residents.begin()[0] == {new.id: new, other.id: other}
