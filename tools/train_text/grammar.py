"""Examples written here: templates and lists, drawn with a seed. The text is this project's own."""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path

from tools.train_text.lexicon import LISTS, own, public

TEMPLATES = tuple(Path(__file__).parent / name for name in ("templates.txt", "verticals.txt"))
VERTICALS = {"know": 1.2, "go": 0.8, "do": 1.2, "buy": 1.2, "none": 0.9}
"""Draws from ``verticals.txt`` for each from ``templates.txt``, by type."""
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")
_VOWELS = "aeiou"
_STARTS = "b br c cl d f g gr h j k l m n p r s st t tr v w z ch sh".split()  # noqa: SIM905 - a list reads as words
_ENDS = "n r l s t x th nd rk ll ton ville ley son ford by man er ey ia o a".split()  # noqa: SIM905

SPELLED: dict[str, str] = {
    "clock": "7 am|6:30|8 pm|noon|six thirty|five pm|quarter past nine|midnight",
    "when": (
        "tonight|tomorrow|tomorrow night|this weekend|on friday|next week|at 7 pm|for march 3rd|today|on "
        "christmas eve|in july"
    ),
    "capacity": "64gb|128gb|256gb|512gb|1tb|16gb|8gb ram|2tb",
    "flight": "ba117|dl123|ua 880|aa 1420|lh454|emirates 202|delta 567",
    "price": "$10|$20|$50|50 dollars|$100|100|$200|500|20 euros|1000 dollars|£30|$15.99",
    "size": "6|7|8|8.5|9|10|10.5|11|12|13|small|medium|large|xl|xxl|38|42|2t|4|queen|king|32x30|a4|34dd",
    "measure": (
        "3 inch|24 inch|55 inch|8 ft|6 foot|10 ft|5x7|8x10|12x18|18x18|1/2 inch|3/4|40 oz|12 oz|32oz|5 "
        "gallon|7qt|6 quart|100w|60w|60 watt|20v|12v|2 pack|4 pack|3 piece|5 piece|1000 piece|500ml|1 liter|50 "
        "lb|10kg|16gb|1tb|4k|144hz|27\"|65\"|36\"|twin xl|1080p|9x12|king size|20x20|48 in|4 inch|pair of|18 "
        "gauge|300 thread count"
    ),
    "num": "2|3|4|5|6|8|10|12|15|20|30|50|100|two|three|four|five",
    "year": "2022|2023|2024|2025|2026|1998|2012|1969",
    "unit_small": (
        "ounce|cup|pound|mile|kilometer|gallon|liter|inch|foot|tablespoon|kilogram|acre|minute|pack|pair|piece"
    ),
    "place_soft": (
        "the woods|a microwave|an oven|a pan|windows 10|android|iphone|a "
        "mac|facebook|instagram|minecraft|excel|word|high school|college|a small apartment|the car|your "
        "room|public|winter|summer|middle school|java|photoshop|roblox|the sims|the kitchen"
    ),
    "food_item": (
        "pizza|sushi|tacos|burger|burgers|chinese food|thai food|ramen|fried chicken|sandwich|noodles|pad "
        "thai|kebab|ice cream|donuts|burritos|indian food|salad|wings|coffee|bubble "
        "tea|latte|breakfast|lunch|dinner|italian food|mexican food|bbq|steak|seafood|pho|dim "
        "sum|gyros|pancakes|cupcakes"
    ),
    "street_address": (
        "123 main street|45 elm street|250 5th avenue|10 downing street|1600 pennsylvania ave|7 oak drive "
        "hartford|88 king st|620 3rd street|221b baker street|400 broadway|14 high street|1200 market "
        "st|postcode se1|zip 90210|corner of 5th and main"
    ),
    "household": (
        "boiler|fridge|toilet|radiator|dishwasher|washing machine|heater|window|door|car|engine|laptop|phone|bike|roof|"
        "lawn|plant|tomato plants|leaves|dog|cat|puppy|baby|bread|cake|sourdough|paint|wall|ceiling|pipe|floor|candle"
    ),
    "ails_verb": (
        "leak|drip|hum|squeak|rattle|smell|overheat|freeze|crack|shake|vibrate|beep|click|whistle|creak|flicker|gurgle|"
        "sweat|smoke|rust|peel|fade|sink|collapse|wilt|bark|snore|sneeze|limp|cough|scratch|sleep|shrink|stick|slip|jam|"
        "run slow|make noise|lose power|drain so fast"
    ),
    "state": (
        "loud|hot|cold|slow|wet|dry|dirty|noisy|heavy|soft|hard|sticky|yellow|brown|cloudy|itchy|tired|weak|dense|blurry"
    ),
    "gibberish": (
        "asdkjh|qwe rty|jjjj|dfgdfg|xzxz|hjkl|aaaaaa|zzz|blah blah|lalala|hmmmm|ffff|kjsdf sdf|test123|...|uh "
        "um|ehh"
    ),
}  # fmt: skip

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
_LOWER = frozenset("a an the and or of in on at to for from with by without into".split())  # noqa: SIM905
"""Words that stay small within a title."""
_WH = frozenset(
    ["what", "who", "when", "where", "why", "how", "which", "is", "are", "does", "do", "did", "can", "will"]
)
_PLEASE = (
    "can you", "could you", "would you", "please", "can you please", "could you please", "i want you to",
    "help me", "i'd like you to",
    "will you", "i would like to", "i want to", "i need to", "can you help me", "hey can you", "i'd like to",
    "let's", "can i",
)  # fmt: skip
_TELL = (
    "tell me",
    "can you tell me",
    "do you know",
    "i want to know",
    "i'd like to know",
    "please tell me",
    "could you tell me",
    "i wonder",
)
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
        for path in TEMPLATES:
            self._take([line.split(" ", 2) for line in path.read_text().splitlines() if line and line[0] != "#"])

    def _take(self, lines: list[list[str]]) -> None:
        """Adds one file's templates; those of a later file weigh ``VERTICALS`` times all before, type by type."""
        found: dict[str, tuple[list[str], list[float]]] = {}
        for kind, weight, template in lines:
            texts, weights = found.setdefault(kind, ([], []))
            texts.append(template)
            weights.append(float(weight))
        for kind, (texts, weights) in found.items():
            before, had = self.templates.setdefault(kind, ([], []))
            share = VERTICALS[kind] * sum(had) / sum(weights) if had else 1.0
            before += texts
            had += [w * share for w in weights]

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
        if slot == "name_like":
            core = "".join(rng.choice(_STARTS) + rng.choice(_VOWELS) for _ in range(rng.choice((1, 2, 2))))
            return core + rng.choice(_ENDS)
        if slot == "unknown_word":
            return "".join(rng.choice(_STARTS) + rng.choice(_VOWELS) for _ in range(rng.choice((2, 3)))) + rng.choice(
                ("", "n", "s", "ia")
            )
        if slot == "sku":
            left = "".join(rng.choice("abcdefghkmnprstvwx") for _ in range(rng.choice((1, 2, 3))))
            sku = left + rng.choice(("", "-", " ")) + str(rng.randrange(10, 99_999))
            return sku + rng.choice(("", "", "x", "b", "pro", "s", "-a"))
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

    def one(self, kind: str) -> str:
        """One example of a type, or of "priced": a phrase of a task or a thing with words of price, which is buy."""
        texts, weights = self.templates[kind]
        text = self.rng.choices(texts, weights)[0]
        while match := _CHOICE.search(text):
            pick = self.rng.choice(match.group(1).split("|"))
            text = text[: match.start()] + pick + text[match.end() :]
        for _ in range(3):
            text = _SLOT.sub(lambda m: self.fill(m.group(1)), text)
        return " ".join(text.split())

    def polite(self, kind: str, text: str) -> str:
        """Manners and chatter around a query, alike for every type, so that they tell nothing by themselves."""
        rng = self.rng
        if kind != "none" and rng.random() < 0.16:
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
        if rng.random() < 0.05:
            text += rng.choice(
                (" please", " thanks", " for me", " can you help", "?", " now", " asap", " olly", " alexa")
            )
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
