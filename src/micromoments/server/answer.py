"""``GET /v1/answer`` and ``GET /v1/reviews``: the passage that answers a question, and what reviews say."""

from __future__ import annotations

from typing import get_args

import msgspec

from micromoments.core.item import Kind
from micromoments.decide.fair import public
from micromoments.retrieve.answers import ANSWERING
from micromoments.retrieve.reviews import summed
from micromoments.server.foreign import Routes
from micromoments.server.http import Call, Reply, reply
from micromoments.server.keys import Access
from micromoments.server.problem import Problem, shown
from micromoments.server.service import Service
from micromoments.server.shapes import Shape

MAX_WORDS = 500
PARAMETERS = {
    "q": "The question, as a person puts it.",
    "kind": "Only answers from items of this kind: article, guide or product.",
}


class SourceShape(Shape, frozen=True):
    """Where a passage stands: characters ``start`` to ``end`` of the item's ``text``, or of the answer of its
    ``attributes.faq`` that ``field`` names (``faq/0``).
    """

    item: str
    kind: Kind
    title: str
    field: str
    start: int
    end: int
    url: str = ""


class PassageShape(Shape, frozen=True):
    """A passage as it stands in its source, without marks of Markdown or HTML."""

    text: str
    confidence: float
    source: SourceShape


class AnswerShape(msgspec.Struct, frozen=True, rename="camel"):
    """What answers the question; null where nothing does well enough."""

    answer: PassageShape | None


class SaidShape(Shape, frozen=True):
    """A point that ``count`` reviews make, quoted from the review of that place among them (from 0)."""

    about: str
    quote: str
    count: int
    review: int


class ReviewsShape(msgspec.Struct, frozen=True, rename="camel"):
    """How many reviews an item has, their mean of one to five stars, and what they say most."""

    item: str
    count: int
    rating: float | None
    praised: list[SaidShape]
    criticised: list[SaidShape]


class AnswerDoors:
    """The doors; any key opens them, as that of the search."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> Routes:
        """The doors by path."""
        return {"/v1/answer": {"GET": (self.answer, False)}, "/v1/reviews": {"GET": (self.reviews, False)}}

    async def answer(self, call: Call, _access: Access) -> Reply:
        """The passage that answers, out of what everybody may see."""
        _only(call, tuple(PARAMETERS))
        words, kind = call.query.get("q", ""), call.query.get("kind")
        if not words.strip() or len(words) > MAX_WORDS:
            raise Problem(400, "bad_q", f"q of {len(words)} characters", f"a question of 1 to {MAX_WORDS}")
        if kind is not None and kind not in ANSWERING:
            raise Problem(400, "bad_kind", f"kind {shown(kind)}", f"one of {', '.join(ANSWERING)}")
        now = self._service.clock()
        kinds = tuple(one for one in get_args(Kind) if one == kind) or ANSWERING
        found = self._service.catalog.answer(words, kinds, lambda item: public(item, now))
        if found is None:
            return reply(AnswerShape(None))
        source = SourceShape(found.item, found.kind, found.title, found.field, found.start, found.end, found.url)
        return reply(AnswerShape(PassageShape(found.text, found.confidence, source)))

    async def reviews(self, call: Call, _access: Access) -> Reply:
        """An item's reviews, summed up."""
        _only(call, ("item",))
        item = self._service.catalog.get(call.query.get("item", ""))
        if item is None or not public(item, self._service.clock()):
            got = f"item {shown(call.query.get('item', ''))}"
            raise Problem(404, "no_such_item", got, "the id of an item that there is", "")
        told = summed(item)
        if told is None:
            return reply(ReviewsShape(item.id, 0, None, [], []))
        praised, criticised = (
            [SaidShape(one.about, one.quote, one.count, one.review) for one in said]
            for said in (told.praised, told.criticised)
        )
        return reply(ReviewsShape(item.id, told.count, told.rating, praised, criticised))


def _only(call: Call, known: tuple[str, ...]) -> None:
    if unknown := sorted(set(call.query) - set(known)):
        raise Problem(400, "unknown_parameter", f"parameter {shown(unknown[0])}", ", ".join(known))
