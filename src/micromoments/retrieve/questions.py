"""How questions are put: the sorts of question, what an answer to each must have, and the words that don't count."""

from __future__ import annotations

import re
from typing import NamedTuple

from micromoments.retrieve.document import PLAIN, STEMMED

_ASKING = """
which what who whom whose when where why how do does did doing done is are was were am be been can could should
would will shall may might must i me my mine you your we our us he she they them it its this that these those there
here a an the of for to in on at by with from as and or if so than then about any some much many long often please
tell know want wants get got have has had let give take takes s t m re ve ll d don doesn isn aren
"""
_LIGHT = """
make making cook cooking prepare take takes use using need needed best good way right kind type recipe dish people
put go come stay last leave keep contain include actually really exactly usually work
accept sell offer help cost price fee charge buy order item thing something anything product need want possible
available allowed allow happen bring bear order pay find purchase add must while going able
until till other own too more possible people person handle quit soon
after before within later
"""
ASKING = frozenset(_ASKING.split())
"""Words that ask, and aren't asked about."""
LIGHT = frozenset(STEMMED.analyze(_LIGHT))
"""Stems that say hardly anything of what is asked about."""


_PUT = re.compile(
    r"\W*(?:(?:can|could|may|must|should|will|would|do|does|did|is|are|am|was|were|has|have)(?:n['’]?t)? "
    r"(?!(?:you |someone |anyone )?(?:show|find|get|give|order|bring|send|sell) )|"
    r"(?:what|which|when|who|whose|why|how)(?:['’]s|['’]re)? |until when |what's )(?:\S+ ){1,40}\S",
    re.IGNORECASE,
)


def is_put(text: str) -> bool:
    """Whether words are put as a question that a text may answer, whatever they seem to be after.

    >>> is_put("can i return a helmet after 60 days"), is_put("can you show me helmets"), is_put("return helmet")
    (True, False, False)
    """
    return _PUT.match(text) is not None


class Sort(NamedTuple):
    """A sort of question: how it is put, and what an answer to it has.

    With ``headed`` a whole section answers, whose heading has it; with ``counted`` what is counted stands beside it.
    """

    asked: re.Pattern[str]
    has: re.Pattern[str]
    headed: bool = False
    counted: bool = False


def _sort(asked: str, has: str, *, headed: bool = False, counted: bool = False) -> Sort:
    return Sort(re.compile(asked, re.IGNORECASE), re.compile(has, re.IGNORECASE), headed, counted)


_HOW_TO = re.compile(r"\bhow (?:(?:do|can|should|would) (?:i|you|we|one)|to)\b|\bsteps (?:to|for)\b", re.IGNORECASE)
"""How it is asked for something to do."""
_NUMBER = r"(?:\d|[½¼¾⅓⅔]|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|dozen|half|an hour|a few)\b)"
_UNIT = r"(?:sec(?:ond)?s?|min(?:ute)?s?|h(?:ou)?rs?|hour|days?|weeks?|months?|years?|\bh)\b"
_LENGTH = r"(?:[mck]?m|inch(?:es)?|ft|feet|foot|met(?:re|er)s?|\w+metres?)\b|[\"”]"
_WEIGHT = r"(?:[mk]?g|lbs?|oz|pounds?|ounces?|kilos?|(?:kilo)?grams?|tons?|tonnes?)\b"
_ROOM = r"(?:[mcd]?l|lit(?:re|er)s?|gal(?:lon)?s?|cups?|pints?|m³|[GT]B)(?:\b|(?<=³))"
_FED = r"(?:serving|portion|people|person)"
_MONEY = r"(?:EUR|USD|GBP|CHF|SEK|DKK|PLN|€|\$|£|¥|euros?|dollars?|pounds?|cents?|francs?|kronor)"
_PRICE = (
    rf"{_MONEY} ?\d|\d ?{_MONEY}|\bfree\b|\bno (?:extra )?(?:cost|charge|fee)|costs? nothing|(?<!not )\bincluded\b|"
    r"\bfor nothing\b"
)
_TIME = (
    r"\d{1,2}[:.]\d\d|\d ?(?:am|pm|h|o'clock)\b|\bnoon\b|\bmidnight\b|(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|"
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december)\b|"
    r"\b1[5-9]\d\d\b|\b20\d\d\b|\b(?:daily|always|never|every|seconds?|minutes?|hours?|days?|weeks?|months?|years?|"
    r"centur\w+|nights?|mornings?|evenings?|summer|winter|spring|autumn|season\w*|when|"
    r"as soon as|after|before|until|once|holidays?|24/7)\b"
)
SORTS = (
    _sort(
        r"\bhow (?:often|frequently|many times)\b",
        r"\b(?:every|each|once|twice|daily|weekly|monthly|yearly|annual\w*|never|always|rarely|whenever)\b|"
        rf"{_NUMBER}.{{0,12}}?\btimes\b|{_NUMBER}.{{0,15}}?\b(?:an?|per|each) (?:\w+ )?(?:day|week|month|year)\b",
    ),
    _sort(
        r"\bhow old\b|\b(?:at|from|of) (?:what|which) age\b|\bminimum age\b",
        rf"{_NUMBER}.{{0,25}}?{_UNIT}|\b(?:from|be|at|under|over|below|above|least|aged?|until|with|between) {_NUMBER}",
    ),
    _sort(
        r"\bhow (?:long(?: until| before| till)?|fast|quickly|far (?:ahead|in advance|before)|soon|early|"
        r"much (?:time|notice)|many (?:seconds|minutes|hours|days|weeks|months|years))\b",
        rf"(?<!every ){_NUMBER}.{{0,25}}?{_UNIT}|\d+ ?h(?:\d|\b)|overnight|\bnext (?:working )?(?:day|morning)\b|"
        r"\bat once\b",
    ),
    _sort(
        r"\b(?:(?:what|which|how much) (?:oven )?(?:temperature|temp|heat|degrees)|how (?:hot|warm|cold)|"
        r"oven temperature|at what temperature|temperature)\b",
        r"\d{2,3} ?(?:°|º|degrees|deg\b|celsius|fahrenheit|[CF]\b)|gas mark|(?:low|medium|high)[ -]{1,3}heat",
    ),
    _sort(
        rf"\bhow many (?:{_FED}s?|persons|guests)\b(?: (?:does|do|will|can))?|\bservings\b",
        rf"(?:serv|portion|people|person|family|makes|yield).{{0,40}}?{_NUMBER}|{_NUMBER}.{{0,25}}{_FED}|family of",
    ),
    _sort(
        r"\bhow heavy\b|\b(?:what|which) (?:is the )?weight\b|\bhow much (?=(?:does|do|did)\b.*\bweighs?\b)",
        rf"{_NUMBER} ?{_WEIGHT}",
    ),
    _sort(
        r"\bhow much (?=(?:is|are|was|does|do|will|would|for)\b"
        r"(?!.*\b(?:hold|drink|eat|need|use|take|waste|contain|carry|cover|have)\b))|\bhow expensive\b|"
        r"\bwhat (?=(?:is|are|does|do|'s)\b.*\b(?:costs?|prices?|fees?|charge)\b)|\bprices? (?=(?:of|for)\b)",
        _PRICE,
    ),
    _sort(
        r"\b(?:(?:until |till |by |from )?when(?! it| they| you| i | we |ever)|what time|how late|(?:what|which) days?|"
        r"(?:what|which) are (?:your|the) (?=(?:opening )?hours)|opening hours|"
        r"(?=open (?:on|at|until|till)\b)|(?:are|is) (?=(?:you|the \w+|it) (?:open|closed)\b))",
        _TIME,
    ),
    _sort(
        r"\bwho (?:is|are|runs|owns)\b",
        r"(?-i:(?<=[a-z,] )[A-Z][a-z]+ [A-Z][a-z]+)|\bby (?-i:[A-Z])|\b(?:founder|owner|director|team)\b",
    ),
    _sort(r"\bhow (?:many|much)\b", rf"{_NUMBER}|\b(?:a|an) (?:cup|pinch|spoon|can|glass|bunch|handful)", counted=True),
    _sort(
        r"\bwhere (?:is|are|does|do|did)\b(?=.*\b(?:from|originate))|"
        r"\b(?:which|what) (?:city|country|region)\b(?=.*\bfrom\b)",
        r"\b(?:from|origin\w*|tradition\w*|native|region|city|country|dish|invented|national)\b",
    ),
    _sort(
        r"\bmade (?:up )?(?:of|from|with|out of)\b|\bconsists? of\b",
        r"\b(?:made|prepared|using|consist\w*|contain\w*|with)\b",
    ),
    _sort(
        r"\bhow far\b",
        rf"{_NUMBER} ?(?:k?m|metres?|meters?|kilomet\w+|miles?|minutes?|hours?|blocks|stops|square)\b",
    ),
    _sort(
        r"\bhow (?:thick|wide|tall|high|deep|large|big)\b|"
        r"\b(?:what|which) (?:is the )?(?:diameter|length|width|height|depth)\b",
        rf"{_NUMBER} ?(?:{_LENGTH})",
    ),
    _sort(r"\bhow heavy\b|\b(?:what|which) (?:is the )?weight\b", rf"{_NUMBER} ?{_WEIGHT}"),
    _sort(r"\b(?:what|which) (?:is the )?(?:capacity|volume)\b", rf"{_NUMBER} ?{_ROOM}"),
    _sort(r"\b(?:what|which) (?:tools?|equipment)\b", r"tools|equipment", headed=True),
    _sort(
        r"\bingredients?\b|\bwhat (?:do|will|would|should) (?:i|you|we) need\b|"
        r"\bwhat (?:goes|is|'s) in(?:to|side)?\b(?= )",
        r"ingredient|material|you(?:'ll| will)? need|tools|equipment|contents",
        headed=True,
    ),
    _sort(
        r"\bhow (?:do|can|should|would|does|to)(?: (?:i|you|we|one))?\s+(?:make|cook|prepare|bake|do)\b|"
        r"\b(?:steps|directions|instructions)\b",
        r"direction|instruction|method|steps|how to|preparation|procedure",
        headed=True,
    ),
    _sort(
        r"^\W*what(?:'s| is| are| does)\b(?!.*\b(?:made|in|used|for|with|of)\b)",
        r"\b(?:is|are|was|called|means?|known as|refers)\b",
    ),
)
"""The first that fits a question counts."""
_SPAN = re.compile(rf"\b(\d+) ?{_UNIT}", re.IGNORECASE)
_COUNTED = re.compile(r"\bhow (?:many|much) (?:\w+ of )?(?P<thing>\w+)", re.IGNORECASE)


class Question(NamedTuple):
    """A question read: its sort, the words it is about as typed, and how what it counts begins (``ham`` of "how many
    slices of ham"), empty where it counts nothing; ``how_to`` is whether it asks for something to do, ``spans`` are
    numbers of days and the like in it.
    """

    sort: Sort | None
    words: tuple[str, ...]
    thing: str
    how_to: bool
    spans: frozenset[str] = frozenset()


_WHATEVER = re.compile(
    r"\b(?:a|an|my|the|your|one|this|some)\s+(?:whole )?"
    r"(?:order|item|thing|product|article|parcel|package|purchase|stuff)s?\b(?! of)|"
    r"\b(?:something|anything|stuff|things)\b",
    re.IGNORECASE,
)
"""What a customer calls whatever it is about."""


def read(text: str) -> Question:
    """A question's sort and its words."""
    text = _WHATEVER.sub(" ", text)
    sort = next((sort for sort in SORTS if sort.asked.search(text)), None)
    left = sort.asked.sub(" ", text) if sort is not None else text
    words = tuple([word for word in PLAIN.analyze(left) if word not in ASKING])
    counted = _COUNTED.search(text) if sort is not None and sort.counted else None
    stems = STEMMED.analyze(counted["thing"]) if counted is not None else []
    spans = frozenset(_SPAN.findall(text))
    return Question(sort, words, stems[0][:5] if stems else "", _HOW_TO.search(text) is not None, spans)


def derived(stem: str) -> tuple[str, ...]:
    """Stems of words that are one word's noun and verb, where stemming leaves them apart: delivery, deliver; payment,
    pay.
    """
    if stem.endswith(("eri", "ment")):
        return (stem.removesuffix("eri").removesuffix("ment"),)
    return (f"{stem}eri", f"{stem}ment")


def answers(sort: Sort | None, thing: str, text: str, heading: str) -> bool:
    """Whether a passage has what a sort of question asks for: a duration, a number of what is counted, and so on."""
    if sort is None:
        return True
    if not sort.counted or not thing:
        return sort.has.search(heading if sort.headed else text) is not None
    start, has = re.escape(thing), sort.has.pattern
    beside = rf"(?:{has})(?:[ -]\w+){{0,3}}[ -]{start}|\b{start}\w*\W{{1,4}}(?:{has})"
    return re.search(beside, text, re.IGNORECASE) is not None


OPENING = frozenset(STEMMED.analyze("open opens close closed closing opening shut"))
"""Stems that say hardly anything where it is asked when: hours say both."""
CLOCK = re.compile(
    r"\d[:.]\d\d|\d ?(?:am|pm|h|o'clock)\b|\bnoon\b|\bmidnight\b|\b\d{1,2} ?(?:to|-|–) ?\d{1,2}\b|"
    r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\bholidays?\b|\b(?:daily|always|24/7)\b|"
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december)\b|"
    r"\bhours? (?:earlier|later)",
    re.IGNORECASE,
)
"""What opening hours have."""
HOURS = frozenset(STEMMED.analyze("hours"))
TIME = next(sort for sort in SORTS if sort.has.pattern == _TIME)
VERBS = frozenset(STEMMED.analyze("take takes cost costs last keep start begin end arrive reach ready"))
"""Stems of what is asked about a thing, which an answer says again: it takes two weeks."""
NEED = _sort(r"", r"\b(?:needs?|needed|bring|requires?|required|must|have to|has to)\b")
"""What a sentence has that says what is needed."""
NEEDED = re.compile(r"\bwhat (?:do|will|would|should) (?:i|you|we) need\b", re.IGNORECASE)
"""How it is asked what is needed, which a list or a sentence may say."""
