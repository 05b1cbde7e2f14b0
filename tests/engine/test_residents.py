"""Whom the engine keeps in memory once the state has them."""

from micromoments.core.person import Link, Person
from micromoments.engine.residents import Residents
from micromoments.engine.verify import Empty


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
