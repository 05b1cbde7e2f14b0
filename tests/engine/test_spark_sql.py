"""The reports' SQL in Spark's words, without a Spark: each can be said; what would be read otherwise is put right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlglot import exp, parse_one

from micromoments.engine.spark.dialect import translated
from micromoments.report.reports import run
from tests.report.test_two_engines import ASKED, history
from tests.report.world import SETTINGS, Facts

FOREIGN = ("UNNEST", "MATERIALIZED", "WITHIN GROUP", "= ANY(", "PERCENTILE_APPROX")
"""What Spark has no words for, or counts only nearly."""


@pytest.mark.parametrize(
    ("sql", "params", "wanted"),
    [
        ("SELECT items[1] AS a FROM d", [], "SELECT GET(items, 0) AS a FROM d"),
        (
            "SELECT unnest(a) AS x, c, unnest(b) AS y FROM d",
            [],
            "SELECT c, INLINE(ARRAYS_ZIP(a, b)) AS (x, y) FROM d",
        ),
        ("SELECT unnest(a) AS x FROM d", [], "SELECT EXPLODE(a) AS x FROM d"),
        (
            "SELECT percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY n) AS p FROM d",
            [],
            "SELECT PERCENTILE(n, ARRAY(0.5, 0.9)) AS p FROM d",
        ),
        ("WITH a AS MATERIALIZED (SELECT 1 AS n) SELECT n FROM a", [], "WITH a AS (SELECT 1 AS n) SELECT n FROM a"),
        (
            "SELECT k, sum(n) AS n FROM d GROUP BY k ORDER BY abs(sum(n)) DESC, k",
            [],
            "SELECT k, SUM(n) AS n FROM d GROUP BY k ORDER BY ABS(n) DESC, k NULLS LAST",
        ),
        (
            "SELECT 1 AS n FROM d WHERE ? = ANY(l) AND m < ?",
            [3, 7],
            "SELECT 1 AS n FROM d WHERE EXISTS(l, x -> 3 = x) AND m < 7",
        ),
    ],
)
def test_what_spark_says_otherwise_is_put_right(sql: str, params: list[object], wanted: str) -> None:
    """Lists, percentiles, hints, orders and what people sent come out as Spark reads them."""
    assert translated(sql, params) == wanted


@pytest.mark.parametrize("value", ["it's raining", r"back\slash", "a ? b", "--", 'say "so"', "\u00fc\u6f22", ""])
def test_what_people_send_stays_a_value(value: str) -> None:
    """Read back as Spark reads it, a value is the value that was given, whatever is in it."""
    tree = parse_one(translated("SELECT n FROM d WHERE q = ? AND n > ?", [value, 3]), read="spark")

    found = [one.this for one in tree.find_all(exp.Literal) if one.is_string]
    assert found == [value]


def test_a_parameter_too_few_is_refused() -> None:
    """A question is never asked with a hole in it."""
    with pytest.raises(ValueError, match="got 1 parameters; wanted 2"):
        translated("SELECT ? AS a, ? AS b", [1])


def test_every_report_can_be_said() -> None:
    """Each question of every report, broken down or not, is one that Spark's grammar has words for."""
    facts, asked = Facts(*history()), set[str]()

    def ask(sql: str, params: Sequence[object]) -> list[dict[str, Any]]:
        said = translated(sql, params)
        asked.add(sql)
        left = [
            word for word in ("UNNEST", "MATERIALIZED", "WITHIN GROUP", "= ANY(", "PERCENTILE_APPROX") if word in said
        ]
        assert not left, said
        return facts.query(sql, params)

    for name, params in ASKED:
        run(ask, name, params, SETTINGS)
    assert len(asked) > 100
