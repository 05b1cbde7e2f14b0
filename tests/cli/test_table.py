"""Tables for people: nothing is cut off, however narrow the terminal."""

from __future__ import annotations

import pytest

from micromoments.cli.table import put_table

ROW = {f"a_long_name_{n:02}": f"value-{n:02}" for n in range(12)}


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 60 characters, without colours."""
    for name, value in (("COLUMNS", "60"), ("TERM", "dumb"), ("NO_COLOR", "1")):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("FORCE_COLOR", raising=False)


def test_what_fits_stands_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    """A few columns are a table with a head."""
    put_table("few", [{"slot": "home", "people": 3}])
    lines = capsys.readouterr().out.splitlines()
    assert any("slot" in line and "people" in line for line in lines)


@pytest.mark.parametrize("rows", [1, 2, 30])
def test_what_does_not_fit_is_shown_whole(capsys: pytest.CaptureFixture[str], rows: int) -> None:
    """Many columns stand below each other, rows beside each other where there are few; names and values are whole."""
    put_table("many", [ROW] * rows)
    out = capsys.readouterr().out
    assert "…" not in out
    assert max(map(len, out.splitlines())) <= 60
    for name, value in ROW.items():
        assert out.count(value) == rows
        assert name in out
