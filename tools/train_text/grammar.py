"""Examples written here: templates and lists, drawn with a seed. The text is this project's own."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tools.train_text.fillings import NAMED, SPELLED
from tools.train_text.lexicon import LISTS, own, public

TEMPLATES = tuple(
    Path(__file__).parent / f"{name}.txt" for name in ("templates", "verticals", "frames", "questions", "services")
)
WRITTEN = Path(__file__).parent / "written"
"""Whole queries by type, as people put them, a line each."""
SWAPPED = (
    "compound", "product", "brand", "model", "place_kind", "chain", "place_name", "cuisine", "dish", "ingredient",
    "person",
    "animal", "disease", "know_thing", "task_object", "first_name", "company", "movie", "team", "color",
)  # fmt: skip
"""Lists whose names in a written query may give way to others of the same list."""
LATER: tuple[dict[str, float], ...] = (
    {},
    {"know": 1.2, "go": 0.8, "do": 1.2, "buy": 1.2, "none": 0.9},
    {"know": 0.25, "go": 0.25, "do": 0.12, "buy": 0.15, "none": 0.3},
    {"know": 0.55, "go": 0.1, "do": 0.1, "buy": 0.12, "none": 0.08},
    {"know": 0.12, "go": 0.06, "do": 0.12, "buy": 0.16, "none": 0.12},
)
"""For each file its draws for one from all the files before it, by type."""
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")
_VOWELS = "aeiou"
_STARTS = "b br c cl d f g gr h j k l m n p r s st t tr v w z ch sh".split()  # noqa: SIM905 - a list reads as words
_ENDS = "n r l s t x th nd rk ll ton ville ley son ford by man er ey ia o a".split()  # noqa: SIM905
_LOWER = frozenset("a an the and or of in on at to for from with by without into".split())  # noqa: SIM905
"""Words that stay small within a title."""


def plural(word: str) -> str:
    """A plain English plural of the last word."""
    if word.endswith(("s", "x", "ch", "sh")):
        return word if word.endswith("s") else word + "es"
    if word.endswith("y") and word[-2] not in _VOWELS:
        return word[:-1] + "ies"
    return word + "s"


def gerund(phrase: str) -> str:
    """The -ing form of a phrase's first word: "set up" -> "setting up"."""
    head, _, rest = phrase.partition(" ")
    if head in {"be", "see"}:
        stem = head
    elif head.endswith("ie"):
        stem = head[:-2] + "y"
    elif head.endswith("e") and not head.endswith(("ee", "ye", "oe")):
        stem = head[:-1]
    elif re.fullmatch(r"[^aeiou]*[aeiou][bdgklmnprt]", head) and head != "open":
        stem = head + head[-1] if head[-1] != "k" else head
    else:
        stem = head
    return f"{stem}ing {rest}".strip()


class Grammar:
    """Draws example queries. One seed, one stream: the same lists and templates give the same examples."""

    def __init__(self, clone: Path, seed: int) -> None:
        """``clone`` is a checkout of dariusk/corpora, whose CC0 lists widen the slots."""
        self.rng = random.Random(seed)
        self.clone = clone
        self.templates: dict[str, tuple[list[str], list[float]]] = {}
        for path, shares in zip(TEMPLATES, LATER, strict=True):
            lines = [line.split(" ", 2) for line in path.read_text().splitlines() if line and line[0] != "#"]
            self._take(lines, shares)

    def _take(self, lines: list[list[str]], shares: Mapping[str, float]) -> None:
        """Adds one file's templates; those of a later file weigh ``shares`` times all before, type by type."""
        found: dict[str, tuple[list[str], list[float]]] = {}
        for kind, weight, template in lines:
            texts, weights = found.setdefault(kind, ([], []))
            texts.append(template)
            weights.append(float(weight))
        for kind, (texts, weights) in found.items():
            before, had = self.templates.setdefault(kind, ([], []))
            share = shares[kind] * sum(had) / sum(weights) if had else 1.0
            before += texts
            had += [w * share for w in weights]

    @cache  # noqa: B019 - one grammar a run
    def written(self, kind: str) -> tuple[str, ...]:
        """The whole queries of a type."""
        lines = (WRITTEN / f"{kind}.txt").read_text(encoding="utf-8").splitlines()
        return tuple(line for line in lines if line and line[0] != "#")

    @cache  # noqa: B019 - one grammar a run
    def listed(self) -> dict[str, str]:
        """The names that may give way -> their list; a name of several lists is of the first."""
        found: dict[str, str] = {}
        for name in SWAPPED:
            for entry in own(name):
                found.setdefault(entry, name)
                found.setdefault(plural(entry), f"{name}s")
        return found

    def natural(self, kind: str) -> str:
        """One written query; in half of the draws a listed name in it, if there is one, becomes another of its list."""
        text = self.rng.choice(self.written(kind))
        if self.rng.random() < 0.5:
            return text
        words, found = text.split(), self.listed()
        spans = [(i, j) for i in range(len(words)) for j in (i + 3, i + 2, i + 1) if " ".join(words[i:j]) in found]
        if not spans:
            return text
        i, j = self.rng.choice(spans)
        name = found[" ".join(words[i:j])]
        many = name not in SWAPPED
        other = self.rng.choice(own(name.removesuffix("s") if many else name))
        return " ".join([*words[:i], plural(other) if many else other, *words[j:]])

    @cache  # noqa: B019 - one grammar a run
    def entries(self, slot: str) -> tuple[str, ...]:
        """What may fill a slot."""
        both = {
            "person": ("humans/celebrities", "celebrities"), "animal": ("animals/common", "animals"),
            "place_name": ("geography/us_cities", "cities"), "movie": ("film-tv/tv_shows", "tv_shows"),
            "ingredient": ("foods/vegetables", "vegetables"),
        }  # fmt: skip
        if slot in SPELLED:
            return tuple(SPELLED[slot].split("|"))
        lists = {
            "noun": ("words/nouns", "nouns"), "adjective": ("words/adjs", "adjs"),
            "occupation": ("humans/occupations", "occupations"),
            "sport": ("sports/sports", "sports"), "symptom": ("medicine/symptoms", "symptoms"),
            "body": ("humans/bodyParts", "bodyParts"),
        }  # fmt: skip
        if slot in lists:
            return public(self.clone, *lists[slot])
        if slot == "verb":
            return (
                own("do_verb") + own("do_verb") + own("do_verb_more") + public(self.clone, "words/infinitive_verbs", "")
            )
        union = {
            "entity": ("know_thing", "know_thing", "person", "place_name", "company", "movie", "animal", "ingredient"),
            "thing_done": (
                "product",
                "task_object",
                "task_object",
                "task_object",
                "life",
                "life",
                "noun",
                "animal",
                "dish",
            ),
            "dest": ("place_name", "chain", "place_kind"),
            "contract": ("loan", "bank_account", "cover", "cover", "line"),
            "compared": (
                *("model", "product", "compound", "car", "ingredient", "animal", "activity", "place_name"),
                *("device_name", "machine", "loan", "cover"),
            ),
            "ails": ("product", "household", "household", "household", "animal", "body", "device_name", "car"),
        }
        if slot in union:
            return tuple(e for part in union[slot] for e in self.entries(part))
        if slot in both and (LISTS / f"{slot}.txt").exists():
            extra = public(self.clone, *both[slot])
            return own(slot) + (extra if slot != "movie" else extra[:300])
        if slot == "thing_product":
            return own("product") + public(self.clone, "objects/clothing", "clothes")
        return own(slot)

    def fill(self, slot: str) -> str:
        """One draw for a slot."""
        rng = self.rng
        if slot in {"products", "place_kinds", "animals"}:
            return plural(rng.choice(self.entries(slot[:-1])))
        if slot == "task_verb":
            return rng.choice(self.entries("verb"))
        if slot == "gerund":
            return gerund(rng.choice(self.entries("verb")))
        if slot == "ails_ing":
            return gerund(self.fill("ails_verb"))
        if slot == "ails_does":
            head, _, rest = self.fill("ails_verb").partition(" ")
            return f"{plural(head)} {rest}".strip()
        if slot == "task":
            return self.one("task")
        if slot == "verb_phrase":
            phrase = (
                f"{rng.choice(self.entries('verb'))} {rng.choice(('a', 'the', 'my', ''))} {self.fill('thing_done')}"
            )
            return rng.choice(own("abstract_do")) if rng.random() < 0.4 else phrase
        if slot == "gerund_of_abstract":
            return gerund(rng.choice(own("abstract_do")))
        if slot in NAMED:
            return self.filled(rng.choice(NAMED[slot]))
        if slot in {"name_like", "unknown_word", "sku"}:
            return self._made(slot)
        if slot == "dest":
            draw = rng.choice(("place_name", "place_name", "chain", "place_kind", "street_address"))
            word = self.fill(draw)
            soft = (
                "the airport",
                "work",
                "home",
                "school",
                "downtown",
                "my house",
                "mom's house",
                "the mall",
                "the beach",
            )
            return rng.choice(soft) if rng.random() < 0.25 else (f"the {word}" if draw == "place_kind" else word)
        return rng.choice(self.entries(slot))

    def _made(self, slot: str) -> str:
        """A word that nobody wrote down: a name, a word of another tongue, or the number of an article."""
        rng = self.rng
        if slot == "name_like":
            core = "".join(rng.choice(_STARTS) + rng.choice(_VOWELS) for _ in range(rng.choice((1, 2, 2))))
            return core + rng.choice(_ENDS)
        if slot == "unknown_word":
            return "".join(rng.choice(_STARTS) + rng.choice(_VOWELS) for _ in range(rng.choice((2, 3)))) + rng.choice(
                ("", "n", "s", "ia")
            )
        left = "".join(rng.choice("abcdefghkmnprstvwx") for _ in range(rng.choice((1, 2, 3))))
        sku = left + rng.choice(("", "-", " ")) + str(rng.randrange(10, 99_999))
        return sku + rng.choice(("", "", "x", "b", "pro", "s", "-a"))

    def one(self, kind: str) -> str:
        """One example of a type, or of "priced": a phrase of a task or a thing with words of price, which is buy."""
        texts, weights = self.templates[kind]
        return self.filled(self.rng.choices(texts, weights)[0])

    def filled(self, text: str) -> str:
        """A template with its choices made and its slots filled."""
        while match := _CHOICE.search(text):
            pick = self.rng.choice(match.group(1).split("|"))
            text = text[: match.start()] + pick + text[match.end() :]
        for _ in range(3):
            text = _SLOT.sub(lambda m: self.fill(m.group(1)), text)
        return " ".join(text.split())

    @staticmethod
    def titled(text: str) -> str:
        """A query as a title: capitals but for small words within."""
        words = text.split()
        return " ".join(w if i and w in _LOWER else w[:1].upper() + w[1:] for i, w in enumerate(words))

    def misspell(self, text: str) -> str:
        """One slip of the finger: a letter dropped, doubled, swapped or changed."""
        if len(text) < 5:
            return text
        i = self.rng.randrange(1, len(text) - 1)
        slips = (
            text[:i] + text[i + 1 :],
            text[:i] + text[i] + text[i:],
            text[: i - 1] + text[i] + text[i - 1] + text[i + 1 :],
            text[:i] + self.rng.choice("abcdefghijklmnopqrstuvwxyz") + text[i + 1 :],
        )
        return self.rng.choice(slips)

    def begun(self, text: str) -> str:
        """A query as it stands while it is typed: cut somewhere in its second half."""
        return text[: self.rng.randrange(max(3, len(text) // 2), len(text) + 1)] if len(text) > 6 else text

    def opened(self, text: str) -> str:
        """The first letters of a query, as far as its first words: they may open anything, so all types have such."""
        return text[: self.rng.randrange(1, min(len(text), 12) + 1)]
