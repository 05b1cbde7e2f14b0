"""What customers and shops call by other words: "send it back" is a return, "the fee" a cost.

Answers read questions and passages by them, beside the words as they stand. The words are those of trade in general,
not of one shop: a shop's own go to ``[synonyms]``.
"""

from __future__ import annotations

import re

from micromoments.retrieve.document import STEMMED

_PHRASES: tuple[tuple[str, str], ...] = (
    (r"\b(?:send|sent|bring|brought|give|given|hand|take|taken)(?:ing|s)?\b([^.!?\n]{0,25}?)\bback\b", "return"),
    (r"\bmoney\b[^.!?\n]{0,12}?\bback\b", "refund"),
    (
        r"\b(?:bring|brought|send|sent)\b([^.!?\n]{0,20})\bto (?:my|your|the) (?:house|home|door|flat|address)\b",
        "delivery",
    ),
    (r"\bwi-?fi\b|\bwlan\b", "wifi"),
    (r"\bcar ?parks?\b|\bparking\b", "park"),
    (r"\bwork (?:with|for) (?:us|you)\b|\bwe(?: are|'re)? (?:look(?:ing)?|search(?:ing)?) for\b", "hire"),
    (r"\bget in touch\b|\bwrite to us\b|\bcall us\b", "contact"),
    (r"\bget (?:here|there)\b|\bfind us\b", "reach"),
    (r"\b(?:too|also) big\b|\btoo small\b|\bdoesn'?t fit\b", "size"),
)
"""What several words say, and the word for it."""
_GROUPS = """
refund reimburse reimbursement
deliver delivery ship shipping shipment dispatch
exchange swap
repair mend fix
shop store branch
hire job vacancy career hiring recruit
allowed permitted welcome allow
accept take
charge bill debit
phone telephone call
email mail
guarantee warranty guaranteed
rent rental borrow lend loan
entry admission entrance enter
kids children child kid
cheap inexpensive
fast quick
wheelchair accessible accessibility
lift elevator
toilet restroom bathroom wc
discount reduction rebate
voucher coupon
closed shut close
begin start
photo picture photograph
invoice bill
fresh stale
opening open hours
cost price fee
park garage
bag luggage
eat food
colour color
wifi wi fi wlan
wedding marriage
allergy allergen
built build construct
""".strip()
ALIKE: dict[str, tuple[str, ...]] = {}
"""For a stem the stems of words that say the same."""
for _line in _GROUPS.splitlines():
    _stems = [STEMMED.analyze(word)[0] for word in _line.split() if len(STEMMED.analyze(word)) == 1]
    for _stem in _stems:
        ALIKE[_stem] = tuple(dict.fromkeys((*ALIKE.get(_stem, ()), *[one for one in _stems if one != _stem])))
PHRASES = tuple((re.compile(said, re.IGNORECASE), word) for said, word in _PHRASES)


def meant(text: str) -> str:
    """A question with what several words of it say as one word, and what stood between them after it."""
    for phrase, word in PHRASES:
        text = phrase.sub(rf" {word} \1 " if phrase.groups else f" {word} ", text)
    return text


def also(text: str) -> frozenset[str]:
    """Stems that a passage says in several words."""
    return frozenset(STEMMED.analyze(word)[0] for phrase, word in PHRASES if phrase.search(text))
