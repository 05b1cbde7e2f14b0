"""Vowpal Wabbit's text of contextual bandits, as ``--cb_adf`` and ``--cb`` read it.

``--cb_adf``: an example is a few lines up to an empty one, one an action, after a line ``shared |...`` of the context
if there is one; the action that was chosen has the label ``action:cost:probability``. ``--cb``: an example is a line,
the context, with such a label; the actions are the numbers from 1 to the highest that the log names. A cost is a reward
with its sign turned. Source: the wiki of Vowpal Wabbit, "Input format" and "Contextual bandit algorithms".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

_LABEL = re.compile(r"(\d+):([^:\s]+):([^:\s]+)")
MOST = 1_000
"""Actions of ``--cb`` at most: each of them is looked at in every example."""


class Line(NamedTuple):
    """A line: its label's action, cost and probability, its tag, its features by namespace."""

    number: int
    shared: bool
    label: tuple[int, float, float] | None
    tag: str
    features: dict[str, Any]


def is_line(raw: bytes) -> bool:
    """Whether a line is such text: features after a bar, and no JSON."""
    return b"|" in raw and raw.lstrip()[:1] not in (b"{", b"[")


def records(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, dict[str, Any] | ValueError]]:
    """The examples of numbered lines, empty ones among them, as records of a log of decisions (``learn.logged``) before
    they are checked, or what is wrong with one, by the number of its first line.
    """
    alone: list[Line] = []
    count = 0
    for some, part in groupby(lines, key=lambda line: bool(line[1].strip())):
        if not some:
            continue
        block = list(part)
        try:
            read = [_line(number, text) for number, text in block]
        except ValueError as error:
            yield block[0][0], error
            continue
        if all(one.label and not one.shared for one in read):
            alone += read
            continue
        count += 1
        try:
            yield block[0][0], _example(read, str(count))
        except ValueError as error:
            yield block[0][0], error
    yield from _alone(alone)


def _example(lines: Sequence[Line], number: str) -> dict[str, Any]:
    """The lines of one example of ``--cb_adf``."""
    shared = [line for line in lines if line.shared]
    actions = [line for line in lines if not line.shared]
    chosen = [n for n, line in enumerate(actions) if line.label is not None]
    if len(shared) > 1 or len(chosen) != 1:
        raise ValueError(
            f"got {len(chosen)} actions with a label and {len(shared)} shared lines; wanted one action with "
            "action:cost:probability, and one shared line at most; end each example by an empty line"
        )
    tags = [line.tag for line in actions]
    ids = tags if all(tags) and len(set(tags)) == len(tags) else [str(n) for n in range(1, len(actions) + 1)]
    context = shared[0] if shared else None
    return {
        "decision_id": (context.tag if context else "") or number,
        "context": context.features if context else {},
        "actions": [{"id": id, "features": line.features} for id, line in zip(ids, actions, strict=True)],
        "chosen": ids[chosen[0]],
        **_came(actions[chosen[0]]),
    }


def _alone(lines: Sequence[Line]) -> Iterator[tuple[int, dict[str, Any] | ValueError]]:
    """Examples of ``--cb``, a line each."""
    most = max((line.label[0] for line in lines if line.label), default=0)
    if most > MOST:
        yield lines[0].number, ValueError(f"got an action {most}; wanted at most {MOST} actions")
        return
    actions = [{"id": str(n)} for n in range(1, most + 1)]
    for n, line in enumerate(lines, 1):
        chosen = str(line.label[0]) if line.label else ""
        told = {"decision_id": line.tag or str(n), "context": line.features, "actions": actions, "chosen": chosen}
        yield line.number, told | _came(line)


def _came(line: Line) -> dict[str, Any]:
    _, cost, probability = line.label or (0, 0.0, 0.0)
    return {"propensity": probability, "reward": -cost if cost else 0.0}


def _line(number: int, text: str) -> Line:
    """A line, parsed.

    Raises:
        ValueError: its label isn't that of a contextual bandit.
    """
    head, _, rest = text.partition("|")
    words = head.split()
    tag = ""
    touches = head[-1:].strip() and words and not _LABEL.fullmatch(words[-1]) and words[-1] != "shared"
    if words and (touches or words[-1].startswith("'")):
        tag = words.pop().lstrip("'")
    if words[:1] == ["shared"]:
        return Line(number, True, None, tag, _features(rest))
    labels = [_LABEL.fullmatch(word) for word in words]
    if len(labels) > 1 or None in labels:
        raise ValueError(f"got label {head.strip()[:40]!r}; wanted one action:cost:probability, or none")
    found = labels[0] if labels else None
    label = (int(found[1]), float(found[2]), float(found[3])) if found else None
    return Line(number, False, label, tag, _features(rest))


def _features(text: str) -> dict[str, Any]:
    """Namespaces by name, the nameless one's features among them; without a value 1, a word where it is no number."""
    out: dict[str, Any] = {}
    for part in text.split("|"):
        words = part.split()
        name, scale = "", 1.0
        if words and part[:1].strip():
            name, _, told = words.pop(0).partition(":")
            found = _number(told)
            scale = found if isinstance(found, float) else 1.0
        to = out.setdefault(name, {}) if name else out
        for word in words:
            feature, _, told = word.partition(":")
            value = _number(told) if told else 1.0
            to[feature] = value * scale if isinstance(value, float) else value
    return out


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
