"""Small pictures for a report's page, as SVG: a course over days, an interval around no difference. Pure text."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT, LEFT, LOW = 560, 150, 46, 22


def course(title: str, points: Sequence[tuple[str, float | None]], shown: Sequence[str]) -> str:
    """A line over days; ``points`` are (day, value), ``shown`` the values as people read them. Gaps stay gaps.

    Empty where fewer than two days have a value.
    """
    known = [value for _, value in points if value is not None]
    if len(known) < 2:
        return ""
    top = max(known) or 1.0
    step = (WIDTH - LEFT - 12) / (len(points) - 1)

    def place(n: int, value: float) -> str:
        return f"{LEFT + n * step:.1f},{HEIGHT - LOW - value / top * (HEIGHT - LOW - 14):.1f}"

    runs: list[list[str]] = [[]]
    for n, (_, value) in enumerate(points):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(place(n, value))
    lines = "".join(f'<polyline points="{" ".join(run)}"></polyline>' for run in runs if len(run) > 1)
    dots = "".join(
        f'<circle cx="{place(n, value).partition(",")[0]}" cy="{place(n, value).partition(",")[2]}" r="3">'
        f"<title>{escape(day)}: {escape(words)}</title></circle>"
        for n, ((day, value), words) in enumerate(zip(points, shown, strict=True))
        if value is not None
    )
    greatest = next(words for (_, value), words in zip(points, shown, strict=True) if value == max(known))
    first, last = points[0][0], points[-1][0]
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}, from {escape(first)} to {escape(last)}; the table has every value">'
        f'<line x1="{LEFT}" x2="{WIDTH - 12}" y1="{HEIGHT - LOW}" y2="{HEIGHT - LOW}"></line>{lines}{dots}'
        f'<text x="{LEFT - 6}" y="18" text-anchor="end">{escape(greatest)}</text>'
        f'<text x="{LEFT}" y="{HEIGHT - 5}">{escape(first)}</text>'
        f'<text x="{WIDTH - 12}" y="{HEIGHT - 5}" text-anchor="end">{escape(last)}</text></svg></figure>'
    )


def interval(title: str, low: float, middle: float, high: float, verdict: str) -> str:
    """An interval around no difference, coloured by its verdict (``higher``, ``lower`` or another)."""
    least, most = min(low, 0.0), max(high, 0.0)
    span = (most - least) or 1.0

    def x(value: float) -> float:
        return 20 + (value - least) / span * (WIDTH - 40)

    cls = verdict if verdict in ("higher", "lower") else "unclear"
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 {WIDTH} 52" role="img" '
        f'aria-label="{escape(title)}: {middle:+.4g}, between {low:+.4g} and {high:+.4g}">'
        f'<line x1="{x(0):.1f}" x2="{x(0):.1f}" y1="4" y2="36"></line>'
        f'<line class="whisker {cls}" x1="{x(low):.1f}" x2="{x(high):.1f}" y1="20" y2="20"></line>'
        f'<circle class="{cls}" cx="{x(middle):.1f}" cy="20" r="6"></circle>'
        f'<text x="{x(low):.1f}" y="50" text-anchor="{_anchor(x(low))}">{low:+.4g}</text>'
        f'<text x="{x(high):.1f}" y="50" text-anchor="{_anchor(x(high))}">{high:+.4g}</text></svg></figure>'
    )


def _anchor(x: float) -> str:
    return "start" if x < WIDTH / 3 else "end" if x > 2 * WIDTH / 3 else "middle"
