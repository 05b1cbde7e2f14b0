"""A report as one page that needs no other host: for ``--format html`` and for sending around."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from micromoments.report.flat import counted, short, shown, tables, time
from micromoments.report.pictures import course, interval

_STYLE = """
:root{color-scheme:light dark;--paper:#f5f3ee;--card:#fffefb;--ink:#1b2230;--soft:#5a6474;--line:#e2ded4;
--main:#2a66d1;--good:#08794c;
--bad:#b3261e;--none:#6b7280}
@media(prefers-color-scheme:dark){:root{--paper:#0e1318;--card:#161d25;--ink:#eceff3;--soft:#9fabb9;--line:#27313c;
--main:#84b1ff;
--good:#56d6a0;--bad:#ff8a80;--none:#9ca3af}}
*{box-sizing:border-box}body{font:16px/1.5 system-ui,sans-serif;margin:0;background:var(--paper);color:var(--ink)}
main{max-width:76rem;margin:0 auto;padding:2rem clamp(1rem,3vw,2.5rem);display:grid;gap:1rem;
grid-template-columns:minmax(0,1fr)}
h1{margin:0;font-size:2rem;letter-spacing:-.03em;line-height:1.2}p{margin:0;max-width:46rem}.about{
color:var(--soft);font-size:.9rem}
.cards,.pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,14rem),1fr));gap:1rem;margin:0;
padding:0}
.pictures{grid-template-columns:repeat(auto-fill,minmax(min(100%,24rem),1fr))}
.cards li,figure,.scroll{list-style:none;background:var(--card);border:1px solid var(--line);border-radius:.8rem;
padding:1rem;margin:0}
.cards li{font-size:.92rem}.cards b{display:block;font-size:1.9rem;line-height:1.2;letter-spacing:-.03em;
font-variant-numeric:tabular-nums}
.cards small{color:var(--soft)}.cards .anchored{border-style:dashed}
.track{display:block;height:6px;border-radius:3px;background:var(--line);margin:.4rem 0;overflow:hidden}
.track i{display:block;height:100%;background:var(--main)}
.note{border-left:.25rem solid var(--main);padding:.2rem 0 .2rem .9rem;font-size:1.08rem}
figcaption,caption{font-weight:600;text-align:left;padding-bottom:.5rem}svg{width:100%;height:auto;display:block}
svg text{fill:var(--soft);font-size:12px}svg line{stroke:var(--soft);opacity:.6}polyline{fill:none;
stroke:var(--main);stroke-width:2.4}
circle{fill:var(--main)}svg .whisker{stroke-width:7;stroke-linecap:round;stroke:var(--none)}
svg .higher{fill:var(--good);stroke:var(--good)}svg .lower{fill:var(--bad);stroke:var(--bad)}svg .unclear{
fill:var(--none)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;padding:.4rem .7rem;border-bottom:1px solid var(--line);vertical-align:top}th{
color:var(--soft);font-weight:560}
tr:last-child td{border-bottom:0}td.n{text-align:right;font-variant-numeric:tabular-nums}
@media print{body{background:none}.cards li,figure,.scroll{break-inside:avoid}}
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
        f"{simulated}{notes}{cards}{_pictures(reply)}{_tables(reply)}</main></body></html>\n"
    )


def _about(reply: Mapping[str, Any]) -> str:
    if "about" in reply:
        return str(reply["about"])
    fresh = reply.get("as_of") or "no facts yet"
    start = "the beginning" if str(reply["from"]).startswith("1970-01-01T00:00:00") else reply["from"]
    return f"From {start} to {reply['to']}, days and hours in {reply['tz']}. As of {fresh}."


def _card(figure: Mapping[str, Any]) -> str:
    anchored = bool(figure.get("anchored"))
    anchor = "<br>anchored: the recogniser can't move it" if anchored else ""
    within = f", 95 % within {time(figure['p95'])}" if figure.get("p95") is not None else ""
    is_share = figure["unit"] == "share" and figure["value"] is not None
    width = f"{100 * max(0.0, min(1.0, figure['value'])):.1f}" if is_share else ""
    track = f'<span class=track><i style="width:{width}%"></i></span>' if is_share else ""
    return (
        f"<li{' class=anchored' if anchored else ''}>{escape(str(figure['title']))}<b>{escape(short(figure))}</b>"
        f"{track}<small>{counted(figure)}{within}{anchor}</small></li>"
    )


def _pictures(reply: Mapping[str, Any]) -> str:
    """What is worth drawing: each figure by day, and each lift's interval for the goal that was declared."""
    rows = reply.get("rows", ())
    drawn: list[str] = []
    if reply.get("by") == "day" and rows and "figures" in rows[0]:
        for first in rows[0]["figures"]:
            found = [(row["part"], one) for row in rows for one in row["figures"] if one["name"] == first["name"]]
            points = [(str(day), one["value"]) for day, one in found]
            drawn.append(course(f"{first['title']}, by day", points, [shown(one) for _, one in found]))
    for row in rows:
        for one in row.get("comparisons", ()) if row.get("primary") else ():
            if None not in (one["low"], one["difference"], one["high"]):
                of = row["experiment"] or row["slot"]
                title = f"{of}: {row['goal']}, {one['metric']}, difference a person"
                drawn.append(interval(title, one["low"], one["difference"], one["high"], one["verdict"]))
    return f"<div class=pictures>{''.join(drawn)}</div>" if any(drawn) else ""


def _tables(reply: Mapping[str, Any]) -> str:
    """One table for each kind of row, under the reply's words for it; rows of parts are one of figures by part."""
    words = reply.get("kinds", {})
    return "".join(_table(words.get(name, name), some) for name, some in tables(reply.get("rows", ())).items() if some)


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
