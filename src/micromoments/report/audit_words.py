"""The sentences of an audit: what stands out, and what the log cannot tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Counts = Mapping[str, Any]


def findings(total: Counts, log: Counts, worth: Sequence[Counts], lift: tuple[float, float]) -> list[str]:
    """The few sentences that someone reads who reads no more."""
    moments, unsaid, served = int(total["moments"]), int(total["unsaid"]), int(total["served"])
    said = [
        f"{int(total['people']):,} of {int(log['people']):,} people had {moments:,} moments in {log['days']:,.1f} days."
    ]
    known = moments - unsaid
    if not moments:
        said.append(
            "No moment was recognised: it takes what people searched for, looked at or asked, and when. A log of "
            "orders alone shows how moments ended, not that there were any; export what came before them as well."
        )
    if unsaid:
        said.append(
            "The log holds nothing of what was shown to anybody, so of these moments it can only be said which there "
            "were, not which were served."
        )
    elif known:
        missed = known - served
        said.append(f"In {missed:,} of them ({missed / known:.1%}) the log shows nothing for the person.")
    low, high = lift
    assumed = (
        f"This assumes that serving an unserved moment adds between {low:.1%} and {high:.1%} to the goals that follow "
        "it, which the log can't show: only people held out by chance can (micromoments rehearse says how many "
        "it takes). What the goals were worth is a sample, too: the range goes from the low share of the lower end of "
        "its 95 % interval over people to the high share of the upper end."
    )
    priced = [row for row in worth if row["from"] is not None]
    said += [
        f"Serving the unserved {row['type']} moments may be worth {row['from']} to {row['to']} over this stretch, "
        f"{row['from_30_days']} to {row['to_30_days']} in 30 days."
        for row in priced
    ]
    if worth and not priced:
        goals = sum(int(row["goals"]) for row in worth)
        said.append(
            f"{goals:,} goals followed moments in which nothing was seen to be served, without a price; serving these "
            f"may add {low * goals:,.0f} to {high * goals:,.0f}. What one is worth can be said with --worth."
        )
    if worth:
        said.append(assumed)
    return said


def cannot(log: Counts) -> Iterator[tuple[str, str]]:
    """What can't be known from this log, and why; the first holds for every log."""
    events = int(log["events"])
    yield (
        "what serving would have changed",
        "nobody was held out by chance; a range is an assumption, not a measurement",
    )
    yield "people who came and left no trace", "a log holds only what was logged"
    if not log["shown"] and not log["decided"]:
        yield "whether a moment was served", "no event says that something was shown or sent to a person"
    else:
        yield "who saw what was shown outside of this log", "only what the log says was shown counts as served"
    if not log["spoken"]:
        yield "what people were looking for, in words", "no event holds a query"
    if log["spoken"] and not log["results"]:
        yield "which searches found nothing", "no search says how many results it had"
    if not log["goals"]:
        yield (
            "what moments led to",
            "no event reaches a goal; name the goal's event with --config, or map it with --rename",
        )
    elif not log["priced"]:
        yield "what a goal was worth", "no goal has a value; map properties.revenue, or say it with --worth"
    if log["goals"] and not log["refunds"]:
        yield "what was given back", "no event is a refund; values are as first told"
    for counted, what, why in (
        ("devices", "which devices people used", "no event has context.device.type"),
        ("cities", "where people were", "no event has a place, so go moments near a store can't be seen"),
        ("items", "what people looked at", "no event names an item"),
    ):
        if not log[counted]:
            yield what, why
    if events and log["whole_hours"] > events / 2:
        share = log["whole_hours"] / events
        yield "how long moments lasted", f"{share:.0%} of times are whole hours; moments last minutes"
    if events and log["people"] > events / 1.5:
        yield "what one person did over time", f"{log['people']:,} ids for {events:,} events; is it an id a person?"
    if log["left_out"]:
        yield "anything of those left out", f"{log['left_out']:,} events look like bots, own people or tests"
