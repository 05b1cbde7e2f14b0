"""How people ask for the same thing: politely, indirectly, with chatter before and after."""

from __future__ import annotations

import random
import re

from tools.train_text.lexicon import own

_ASKS = frozenset(
    [
        "find",
        "book",
        "order",
        "get",
        "buy",
        "show",
        "search",
        "look",
        "reserve",
        "call",
        "take",
        "give",
        "navigate",
        "make",
        "cook",
        "purchase",
        "check",
        "need",
        "locate",
    ]
)
_WH = frozenset(
    ["what", "who", "when", "where", "why", "how", "which", "is", "are", "does", "do", "did", "can", "will"]
)
_PLEASE = (
    "can you", "could you", "would you", "please", "can you please", "could you please", "i want you to",
    "help me", "i'd like you to",
    "will you", "i would like to", "i want to", "i need to", "can you help me", "hey can you", "i'd like to",
    "let's", "can i",
)  # fmt: skip
_INDIRECT = (
    (re.compile(r"(what|when|where|who|how \w+|what \w+|which \w+) (is|are|was|were) (.+)"), r"\1 \3 \2"),
    (re.compile(r"(what|who|where|when|how)'s (.+)"), r"\1 \2 is"),
    (re.compile(r"how (?:do|can|should|would) (?:i|you|we) (.+)"), r"how to \1"),
    (re.compile(r"(what|when|where|why|who|how \w+|what \w+|which \w+) (?:do|did) (i|you|they|we) (.+)"), r"\1 \2 \3"),
    (re.compile(r"(what|when|where|why|how|how \w+) (can|could|should|will) (i|you|they|we) (.+)"), r"\1 \3 \2 \4"),
    (
        re.compile(r"(is|are|was|were|has|have|can|will|does|do|did) (my|the|there|this|you|i|it|[a-z]+) (.+)"),
        r"if \2 \1 \3",
    ),
)
"""A question -> what stands behind "tell me" in its place."""
_TELL = (
    "i need to know", "i would like to know", "please let me know", "can you find out", "i'm trying to find out",
    "let me know", "help me figure out", "i'd like you to tell me", "i have to know", "could you let me know",
    "tell me",
    "can you tell me",
    "do you know",
    "i want to know",
    "i'd like to know",
    "please tell me",
    "could you tell me",
    "i wonder",
)  # fmt: skip
_WANT = (
    "i need", "i want", "i'm looking for", "i am looking for", "can you find me", "could you find", "find me",
    "please find me",
    "can you help me find", "i would like", "i'd like", "show me", "help me find", "get me", "can you look for",
    "i need help finding",
    "search for", "please look for", "i'm searching for", "i am interested in", "can you search for", "would you find",
)  # fmt: skip
_LEARN = (
    "help me", "i want to", "i need to", "how can i", "how do i", "i'd like to", "teach me how to",
    "show me how to", "what do i do to",
    "please show me how to", "how should i", "could you help me", "i'm trying to", "can you tell me how to",
    "what's the trick to",
)  # fmt: skip
_ABOUT = (
    "tell me about",
    "i want to know",
    "can you tell me",
    "what about",
    "find out",
    "look up",
    "please tell me",
    "give me",
    "do you know the",
)
_CHAT = (
    "hi",
    "hello",
    "hey",
    "hi there",
    "ok",
    "ok google",
    "alexa",
    "so",
    "well",
    "um",
    "siri",
    "olly",
    "hey olly",
    "thanks",
    "great",
)


ASKED_INDIRECTLY = 0.1
"""Share of questions that are asked by the way of "tell me", whatever their type."""
_BEFORE = (
    "i have a free day", "i'm planning something", "my friend is visiting", "i'm in a hurry", "it's late",
    "i just got home", "we are bored",
    "i have a question", "my sister asked me", "i'm with my family", "i have a meeting soon", "it's my birthday",
    "i'm new here",
    "i need some help", "i was thinking", "quick question", "i have plans for tomorrow", "sorry to bother you",
    "as i told you", "next",
)  # fmt: skip
"""What people say before what they want, which tells nothing of it."""


def indirect(text: str) -> str:
    """A question as it stands behind "tell me"; nothing for what is no question.

    >>> indirect("what is my pin"), indirect("how do i open a jar"), indirect("lights off")
    ('what my pin is', 'how to open a jar', '')
    """
    return next((pattern.sub(put, text) for pattern, put in _INDIRECT if pattern.fullmatch(text)), "")


def polite(rng: random.Random, kind: str, text: str) -> str:
    """Manners and chatter around a query, alike for every type, so that they tell nothing by themselves."""
    luck = rng.random()
    if luck < ASKED_INDIRECTLY and (asked := indirect(text)):
        text = f"{rng.choice(_TELL)} {asked}"
    elif kind != "none" and luck > 0.84:
        head = text.partition(" ")[0]
        if head in _ASKS:
            text = f"{rng.choice(_PLEASE)} {text}"
        elif head in _WH:
            text = f"{rng.choice(_TELL)} {text}"
        elif kind in {"go", "buy"}:
            text = f"{rng.choice(_WANT)} {rng.choice(('a', 'the', 'some', ''))} {text}"
        elif kind == "do" and head in own("do_verb"):
            text = f"{rng.choice(_LEARN)} {text}"
        elif kind == "know":
            text = f"{rng.choice(_ABOUT)} {text}"
    if rng.random() < 0.05:
        text = f"{rng.choice(_CHAT)} {text}"
    if rng.random() < 0.02:
        text = f"{rng.choice(_BEFORE)} {text}"
    if rng.random() < 0.05:
        text += rng.choice((" please", " thanks", " for me", " can you help", "?", " now", " asap", " olly", " alexa"))
    return " ".join(text.split())
