"""A report as one page that needs no other host: for ``--format html`` and for sending around."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from micromoments.report.flat import tables

_STYLE = """
:root{color-scheme:light dark;--line:#8884;--soft:#8881}
body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}
h1{margin:0}p{margin:.4rem 0;max-width:60rem}.about{opacity:.75;font-size:.9rem}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(14rem,1fr));gap:.75rem;margin:1.25rem 0;padding:0}
.cards li{list-style:none;border:1px solid var(--line);border-radius:.5rem;padding:.75rem}
.cards b{display:block;font-size:1.6rem;line-height:1.2}.cards small{opacity:.75}
.note{border-left:.25rem solid;padding-left:.75rem;margin:1rem 0}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}
caption{text-align:left;font-weight:600;padding:.5rem 0}
th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums}tbody tr:nth-child(odd){background:var(--soft)}
""".strip().replace("\n", "")


def page(reply: Mapping[str, Any]) -> str:
    """A report's reply as a whole HTML document: its figures with what they count, its sentences, its rows."""
    title = escape(str(reply["title"]))
    simulated = "<p class=note>These numbers hold simulated people.</p>" if reply.get("simulated") else ""
    notes = "".join(f"<p class=note>{escape(str(note))}</p>" for note in reply.get("notes", ()))
    figures = "".join(_card(figure) for figure in reply.get("figures", ()))
    cards = f"<ul class=cards>{figures}</ul>" if figures else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><main><h1>{title}</h1>"
        f"<p>{escape(str(reply['counting']))}</p><p class=about>{escape(_about(reply))}</p>"
        f"{simulated}{notes}{cards}{_tables(reply)}</main></body></html>\n"
    )


def _about(reply: Mapping[str, Any]) -> str:
    if "about" in reply:
        return str(reply["about"])
    fresh = reply.get("as_of") or "no facts yet"
    return f"From {reply['from']} to {reply['to']}, days and hours in {reply['tz']}. As of {fresh}."


def shown(figure: Mapping[str, Any]) -> str:
    """A figure's value as people read it, by its unit; a dash where there is nothing to divide by."""
    value, unit = figure["value"], figure["unit"]
    if value is None:
        return "–"
    if unit == "share":
        return f"{value:.1%}"
    if unit == "milliseconds":
        return _time(value) + (f" (95 % within {_time(figure['p95'])})" if figure.get("p95") is not None else "")
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"


def _time(milliseconds: float) -> str:
    for size, name in ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s")):
        if milliseconds >= size:
            return f"{milliseconds / size:.1f} {name}"
    return f"{milliseconds:.0f} ms"


def _card(figure: Mapping[str, Any]) -> str:
    of = f" of {figure['of']:,}" if figure.get("of") is not None else ""
    anchor = "<br>anchored: the recogniser can't move it" if figure.get("anchored") else ""
    return (
        f"<li>{escape(str(figure['title']))}<b>{escape(shown(figure))}</b>"
        f"<small>{figure['count']:,}{of}{anchor}</small></li>"
    )


def _tables(reply: Mapping[str, Any]) -> str:
    """One table for each kind of row, under the reply's words for it; rows of parts become one of figures by part."""
    rows, words = reply.get("rows", ()), reply.get("kinds", {})
    parts = [{"part": r["part"], **{one["title"]: shown(one) for one in r["figures"]}} for r in rows if "figures" in r]
    kinds = tables([row for row in rows if "figures" not in row])
    return (_table("", parts) if parts else "") + "".join(
        _table(words.get(name, name), some) for name, some in kinds.items() if some
    )


def _table(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    head = "".join(f"<th scope=col>{escape(column.replace('_', ' '))}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(_cell(row.get(column)) for column in columns)}</tr>" for row in rows)
    caption = f"<caption>{escape(name)}</caption>" if name else ""
    return f"<div class=scroll><table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _cell(value: object) -> str:
    if value is None:
        return "<td>–</td>"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"<td>{escape(str(value))}</td>"
    return f"<td class=n>{value:,}</td>" if isinstance(value, int) else f"<td class=n>{value:,.4g}</td>"
