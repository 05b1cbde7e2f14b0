"""What was seen: sealed, merged, shrunk, found again after a crash."""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path

import pytest

from micromoments.stores.embedded import seen as module
from micromoments.stores.embedded.seen import FileSeen
from micromoments.testing.clocks import START
from micromoments.testing.generators import mid

HOUR = 3_600_000


def sealed(seen: FileSeen, ids: range, at: int) -> None:
    """Note some hashes at an instant and write them to a file."""
    for n in ids:
        assert seen.fresh(mid(n), at)
    seen.seal(at + 700_000)
    seen.seal(at + 800_000)


def test_sealed_hashes_survive_and_the_rest_is_read_from_the_log(tmp_path: Path) -> None:
    """After a crash the files give what was sealed, and the log only what came after."""
    seen = FileSeen(tmp_path)
    sealed(seen, range(100), START)
    for n in range(100, 150):
        seen.fresh(mid(n), START + HOUR)
    asked: list[int] = []

    def tail(since: int) -> list[tuple[int, int]]:
        asked.append(since)
        return [(mid(n), START + HOUR) for n in range(100, 150)]

    again = FileSeen(tmp_path, tail, START + HOUR)
    assert asked == [START - 60_000]
    assert not any(again.fresh(mid(n), START + HOUR) for n in range(150))
    assert again.fresh(mid(150), START + HOUR)


def test_what_is_not_durable_is_not_sealed_at_once(tmp_path: Path) -> None:
    """A hash noted just now rests before it is written, so that a crash before its append forgets it."""
    seen = FileSeen(tmp_path)
    seen.fresh(mid(1), START)
    seen.fresh(mid(2), START + 700_000)
    seen.seal(START + 700_001)
    seen.seal(START + 700_002)
    assert FileSeen(tmp_path, now=START + 700_003).fresh(mid(2), START + 700_003)


def test_many_generations_are_merged(tmp_path: Path) -> None:
    """Generations stay few, and each hash is still known."""
    seen = FileSeen(tmp_path)
    for k in range(20):
        sealed(seen, range(10 * k, 10 * k + 10), START + k * 1_000_000)
    assert len(list(tmp_path.glob("*.mids"))) <= module.MAX_SEALED
    assert not any(seen.fresh(mid(n), START + 20_000_000) for n in range(200))
    assert seen.size() == 200


def test_a_day_later_files_are_gone(tmp_path: Path) -> None:
    """What is older than a day is let go, in memory and on disk."""
    seen = FileSeen(tmp_path)
    sealed(seen, range(10), START)
    seen.seal(START + 25 * HOUR)
    assert list(tmp_path.glob("*.mids")) == []
    assert seen.fresh(mid(1), START + 25 * HOUR)


def test_past_the_budget_the_window_shrinks(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With too little memory the oldest go first, a warning says so, and the window is what is left."""
    seen = FileSeen(tmp_path, now=START, budget_mib=0.002)
    assert seen.window() == 24 * HOUR
    with caplog.at_level(logging.WARNING):
        for k in range(6):
            sealed(seen, range(500 * k, 500 * k + 500), START + k * HOUR)
    assert "give it more memory" in caplog.text
    assert 0 < seen.window() < 6 * HOUR
    assert not any(seen.fresh(mid(n), START + 6 * HOUR) for n in range(2500, 3000))
    assert seen.fresh(mid(0), START + 6 * HOUR)


def test_a_damaged_file_is_read_from_the_log(tmp_path: Path) -> None:
    """A file that fails its checksum is dropped, and the log is read from its beginning."""
    seen = FileSeen(tmp_path)
    sealed(seen, range(10), START)
    (path,) = tmp_path.glob("*.mids")
    body = bytearray(path.read_bytes())
    body[40] ^= 1
    path.write_bytes(bytes(body))
    again = FileSeen(tmp_path, lambda since: [(mid(n), START) for n in range(10) if since <= START], START + HOUR)
    assert not any(again.fresh(mid(n), START + HOUR) for n in range(10))


def test_a_busy_stream_seals_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without being asked, sets past their size are written by a thread, and no hash is lost on the way."""
    monkeypatch.setattr(module, "ROTATE", 1_000)
    monkeypatch.setattr(module, "REST", 10)
    seen = FileSeen(tmp_path)
    for n in range(5_000):
        assert seen.fresh(n, START + n)
        assert not seen.fresh(n // 2, START + n) or n == 0
    worker = seen._worker
    assert worker is not None
    worker.join(10)
    assert list(tmp_path.glob("*.mids"))
    assert not any(seen.fresh(n, START + 5_000) for n in range(5_000))
    seen.close()


@pytest.mark.parametrize("step", [0, 1])
def test_a_set_rests_when_it_is_full_whatever_the_clock_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """A history of one instant, or whose instants aren't in order, doesn't let one set grow without end; each full set
    has a file of its own.
    """
    monkeypatch.setattr(module, "ROTATE", 10)
    with closing(FileSeen(tmp_path)) as seen:
        for n in range(25):
            assert seen.fresh(mid(n), START - n * step)
        assert len(seen._young.mids) < 10
        seen.seal(START + 40_000)
        assert not any(seen.fresh(mid(n), START) for n in range(25))
    assert len(list(tmp_path.glob("*.mids"))) >= 2
    with closing(FileSeen(tmp_path, now=START + 41_000)) as again:
        assert not any(again.fresh(mid(n), START + 41_000) for n in range(20))
