"""Who will buy, early: ``python -m benchmarks.quality.purchase [--shared DIR]``.

RetailRocket's typed sessions: from the first k events of a session in which nothing was bought yet, is something bought
later in it? Ours is the recogniser's probability of buy: with the shipped weights, and with weights that
``micromoments train --counts done`` learned from the sessions before. Beside it gradient boosting (scikit-learn's
defaults) on the same facts. Besides, after every event: how likely buy was said to be, and how often an order followed.
The UCI shoppers have no events, only sums of a session: there our fit learns from the sums in bins, beside gradient
boosting on the sums. Tests are the newest 30 % of the sessions (of UCI, which has no dates, 30 % drawn with a seed).
Differences have 95 % bootstrap intervals. Prints tables; writes ``benchmarks/results/purchase.json``.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from micromoments.core.event import Event
from micromoments.core.moment import BUY, NONE, Reading, Trace
from micromoments.core.record import EventRecord
from micromoments.core.settings import MINUTE, Settings
from micromoments.flow.train import Beat, Plan, beat, learn
from micromoments.learn.train import Design, FloatArray, IntArray, fit, probabilities
from micromoments.recognise.fold import grown, leading, started
from micromoments.recognise.recogniser import Recogniser
from micromoments.recognise.story import turns
from micromoments.recognise.weights import TURNS

RESULTS = Path(__file__).parents[1] / "results" / "purchase.json"
SEED = 20260101
SEEN = (1, 2, 3, 4, 5, 8)
TAUGHT = 0.7
DRAWS = 400
EDGES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7)
"""Where the bins of ``believed`` part."""
NAMES = {"view": "Product Viewed", "addtocart": "Product Added", "transaction": "Order Completed"}
Session = list[EventRecord]


def sessions(path: Path) -> list[Session]:
    """RetailRocket's sessions, by their start; the file's header has product and category the wrong way round."""
    rows: dict[str, Session] = defaultdict(list)
    with gzip.open(path, "rt") as file:
        for n, row in enumerate(csv.DictReader(file, delimiter="\t")):
            properties = {"product_id": row["CatId"], "category": row["ItemId"]}
            event = Event(type="track", event=NAMES[row["Type"]], properties=properties)
            at, key = int(row["Time"]) * 1000, f"anon:{row['SessionId']}"
            rows[key].append(
                EventRecord(key=key, at=at, occurred=at, message_id=str(n), mid=n, nonce=1, body=b"", event=event)
            )
    for session in rows.values():
        session.sort(key=lambda r: (r.occurred, r.mid))
    return sorted(rows.values(), key=lambda s: (s[0].occurred, s[0].mid))


def bought(records: Sequence[EventRecord]) -> bool:
    """Whether something is bought in these events."""
    return any(r.event.event == "Order Completed" for r in records)


def cases(found: Sequence[Session], k: int) -> tuple[list[Session], IntArray]:
    """Sessions cut to k events in which nothing was bought yet, and whether something is bought later."""
    cut = [(s[:k], bought(s[k:])) for s in found if len(s) >= k and not bought(s[:k])]
    return [s for s, _ in cut], np.array([y for _, y in cut], dtype=np.int64)


def told(recogniser: Recogniser, session: Session) -> float:
    """The log odds of buy against none after a session's events, as the recogniser reads and folds them."""
    reading = Reading()
    for r in session:
        signal = recogniser.signal(r)
        if signal is not None:
            reading = recogniser.add(reading, Trace(r.occurred, r.mid, signal))
    p = recogniser.said(reading, session[-1].occurred)
    return float(np.log(p[BUY]) - np.log(p[NONE]))


def believed(recogniser: Recogniser, found: Sequence[Session]) -> list[dict[str, float]]:
    """By how likely buy was said to be, how often an order followed: after each event before a session's first."""
    said: list[float] = []
    followed: list[bool] = []
    for session in found:
        reading = Reading()
        for n, r in enumerate(session):
            if bought(session[: n + 1]):
                break
            signal = recogniser.signal(r)
            if signal is not None:
                reading = recogniser.add(reading, Trace(r.occurred, r.mid, signal))
            said.append(recogniser.said(reading, r.occurred)[BUY])
            followed.append(bought(session[n + 1 :]))
    p, y = np.array(said), np.array(followed)
    place = np.searchsorted(EDGES, p, side="right")
    bins = [place == b for b in np.unique(place)]
    return [
        {"events": int(b.sum()), "said": round(float(p[b].mean()), 4), "bought": round(float(y[b].mean()), 4)}
        for b in bins
    ]


def facts(recogniser: Recogniser, session: Session) -> list[float]:
    """The same facts for gradient boosting: events by name, turns, items, categories, pace, the last event, hour."""
    names: Counter[str] = Counter()
    moment = None
    for r in session:
        names[r.event.event or ""] += 1
        signal = recogniser.signal(r)
        if signal is None:
            continue
        trace = Trace(r.occurred, r.mid, signal)
        if moment is None:
            moment = started(Reading(), trace, leading(signal.weights), recogniser.rules)
            continue
        names.update(turns(moment, trace))
        moment = grown(moment, trace, recogniser.rules)
    gaps = [b.occurred - a.occurred for a, b in pairwise(session)]
    items = Counter(r.event.properties["product_id"] for r in session)
    last = session[-1]
    return [
        *(float(names[n]) for n in (*NAMES.values(), *TURNS)),
        float(len(items)),
        float(max(items.values())),
        float(items[last.event.properties["product_id"]]),
        float(len({r.event.properties["category"] for r in session})),
        float(last.occurred - session[0].occurred),
        float(gaps[-1]) if gaps else -1.0,
        float(last.event.event == "Product Added"),
        float(last.occurred // 3_600_000 % 24),
    ]


def trained(found: Sequence[Session]) -> Recogniser:
    """A recogniser whose weights were learned from sessions as a company's log: the label is an order."""
    plain = Recogniser(Settings())
    stories: list[list[Beat]] = []
    for session in found:
        beats = [beat(r, plain, keep=False) for r in session]
        stories.append([b for b in beats if b is not None])
    end = max(s[-1].occurred for s in found) + 31 * MINUTE
    weights, _ = learn(stories, plain, Plan(5, 30 * MINUTE, end, end))
    return Recogniser(Settings(), plain.text, weights)


def interval(y: IntArray, mine: FloatArray, theirs: FloatArray) -> tuple[float, float]:
    """The 95 % interval of the difference of two AUCs: paired bootstrap over sessions."""
    rng = np.random.default_rng(SEED)
    found: list[float] = []
    while len(found) < DRAWS:
        at = rng.integers(0, len(y), len(y))
        if 0 < y[at].sum() < len(y):
            found.append(float(roc_auc_score(y[at], mine[at]) - roc_auc_score(y[at], theirs[at])))
    return float(np.quantile(found, 0.025)), float(np.quantile(found, 0.975))


def compared(y: IntArray, scores: dict[str, FloatArray], ours: str) -> dict[str, Any]:
    """AUC by model, and ours less gradient boosting's with its interval."""
    row: dict[str, Any] = {"n": len(y), "bought": int(y.sum())}
    row |= {name: round(float(roc_auc_score(y, p)), 4) for name, p in scores.items()}
    low, high = interval(y, scores[ours], scores["gradient boosting"])
    return {**row, "difference": round(row[ours] - row["gradient boosting"], 4), "low": low, "high": high}


def retailrocket(path: Path) -> tuple[list[dict[str, Any]], dict[str, list[dict[str, float]]]]:
    """A row for each number of events seen; what was believed, as shipped and as trained."""
    found = sessions(path)
    split = int(TAUGHT * len(found))
    shipped, taught = Recogniser(Settings()), trained(found[:split])
    rows = []
    for k in SEEN:
        (before, y_before), (after, y) = cases(found[:split], k), cases(found[split:], k)
        boosted = GradientBoostingClassifier(random_state=SEED)
        boosted.fit(np.array([facts(shipped, s) for s in before]), y_before)
        scores = {
            "shipped": np.array([told(shipped, s) for s in after]),
            "trained": np.array([told(taught, s) for s in after]),
            "gradient boosting": boosted.predict_proba(np.array([facts(shipped, s) for s in after]))[:, 1],
        }
        rows.append({"seen": k, **compared(y, scores, "trained")})
    return rows, {"shipped": believed(shipped, found[split:]), "trained": believed(taught, found[split:])}


def binned(rows: Sequence[dict[str, str]], teach: Sequence[dict[str, str]]) -> FloatArray:
    """Sums of sessions as 0 and 1: numbers by tenths of those that teach, words as they are."""
    columns: list[list[float]] = []
    for name in WORDS:
        columns += [[float(r[name] == word) for r in rows] for word in sorted({r[name] for r in teach})]
    for mine, theirs in zip(_numbers(rows).T, _numbers(teach).T, strict=True):
        edges = np.unique(np.quantile(theirs, np.linspace(0, 1, 11)[1:-1]))
        place = np.searchsorted(edges, mine, side="right")
        columns += [[float(p == b) for p in place] for b in range(len(edges) + 1)]
    return np.array([*columns, [1.0] * len(rows)]).T


def _numbers(rows: Sequence[dict[str, str]]) -> FloatArray:
    """The numbers of sessions, and the seconds a page of each kind."""
    plain = np.array([[float(r[n]) for n in NUMBERS] for r in rows])
    pace = [plain[:, i + 1] / np.maximum(plain[:, i], 1.0) for i in (0, 2, 4)]
    return np.column_stack([plain, *pace])


NUMBERS = (
    "Administrative", "Administrative_Duration", "Informational", "Informational_Duration", "ProductRelated",
    "ProductRelated_Duration", "BounceRates", "ExitRates", "SpecialDay",
)  # fmt: skip
WORDS = ("Month", "OperatingSystems", "Browser", "Region", "TrafficType", "VisitorType", "Weekend")
"""All but ``PageValues``, which leaks the outcome, and ``Revenue``, which is it."""


def uci(path: Path) -> dict[str, Any]:
    """The UCI shoppers: our fit of the sums in bins, beside gradient boosting on the sums."""
    with gzip.open(path, "rt") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    order = np.random.default_rng(SEED).permutation(len(rows))
    cut = int(TAUGHT * len(rows))
    teach, test = [rows[i] for i in order[:cut]], [rows[i] for i in order[cut:]]
    label: Callable[[Sequence[dict[str, str]]], IntArray] = lambda some: np.array(  # noqa: E731
        [r["Revenue"] == "TRUE" for r in some], dtype=np.int64
    )
    x, y = binned(teach, teach), label(teach)
    blank = np.zeros_like(x)
    only_buy = np.tile([-20.0, -20.0, -20.0, 0.0], (len(x), 1))
    weights = fit(
        Design(np.stack([blank, blank, blank, x]), only_buy, np.where(y, BUY, NONE), np.arange(len(y))),
        np.zeros((x.shape[1], 4)),
        spread=0.5,
    )
    z = binned(test, teach)
    p = probabilities(np.stack([np.zeros_like(z)] * 3 + [z]), only_buy[: len(z)], weights)[:, BUY]
    codes = {name: {w: i for i, w in enumerate(sorted({r[name] for r in rows}))} for name in WORDS}
    plain: Callable[[Sequence[dict[str, str]]], FloatArray] = lambda some: np.array(  # noqa: E731
        [[*(float(r[n]) for n in NUMBERS), *(codes[n][r[n]] for n in WORDS)] for r in some], dtype=np.float64
    )
    boosted = GradientBoostingClassifier(random_state=SEED).fit(plain(teach), y)
    return compared(
        label(test), {"trained": p, "gradient boosting": boosted.predict_proba(plain(test))[:, 1]}, "trained"
    )


def main() -> int:
    """Both data sets; a table each, all of it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("MICROMOMENTS_SHARED", "../shared")))
    folder = parser.parse_args().shared / "data" / "sessions"
    if not folder.exists():
        print(f"skipped: {folder} isn't there; name the data's folder with --shared")
        return 0
    rows, sure = retailrocket(folder / "retailrocket_events.tsv.gz")
    print("AUC of buying later in the session, RetailRocket, newest 30 % of sessions")
    form = "{:>6}{:>8}{:>8}{:>10}{:>10}{:>10}{:>12}  {}"
    print(form.format("seen", "n", "bought", "shipped", "trained", "boosting", "difference", "95 % interval"))
    for r in rows:
        shown = (r["seen"], r["n"], r["bought"], r["shipped"], r["trained"], r["gradient boosting"], r["difference"])
        print(form.format(*shown, f"{r['low']:+.3f} to {r['high']:+.3f}"))
    for name, bins in sure.items():
        error = sum(abs(b["said"] - b["bought"]) * b["events"] for b in bins) / sum(b["events"] for b in bins)
        print(f"\n{name}: buy said, an order followed (events); calibration error {error:.4f}")
        print("  ".join(f"{b['said']:.3f} {b['bought']:.3f} ({b['events']})" for b in bins))
    shoppers = uci(folder / "uci_online_shoppers.csv.gz")
    print("\nAUC of buying, UCI shoppers without PageValues, sums of whole sessions")
    print(
        f"trained {shoppers['trained']}  boosting {shoppers['gradient boosting']}  difference "
        f"{shoppers['difference']:+.4f} ({shoppers['low']:+.3f} to {shoppers['high']:+.3f})"
    )
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    report = {"seed": SEED, "retailrocket": rows, "believed": sure, "uci": shoppers}
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
