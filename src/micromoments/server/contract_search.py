"""The doors that find something in the catalogue, in the contract."""

from __future__ import annotations

from micromoments.server import answer as answers
from micromoments.server import nearby, search
from micromoments.server.contract import ANY, CURSOR, LIMIT, Json, answer, door, param

SCHEMAS: tuple[type, ...] = (search.SearchShape, nearby.NearbyShape, answers.AnswerShape, answers.ReviewsShape)


def search_doors() -> Json:
    """Search, nearby, answers and reviews."""
    query = [param(name, "query", words) for name, words in search.PARAMETERS.items()]
    return {
        "/v1/search": {
            "get": door(
                "search",
                "The catalogue searched by words, with filters, facets, highlights and what was meant.",
                {"200": answer("A page of what was found.", search.SearchShape)},
                ANY,
                parameters=[*query, LIMIT, CURSOR],
                tag="items",
            )
        },
        "/v1/nearby": {
            "get": door(
                "nearby",
                "What is near a position, the way there, and whether it is open on arrival.",
                {"200": answer("The nearest first.", nearby.NearbyShape)},
                ANY,
                parameters=[*(param(name, "query", words) for name, words in nearby.PARAMETERS.items()), LIMIT],
                tag="items",
            )
        },
        "/v1/answer": {
            "get": door(
                "answer",
                "The passage that answers a question, with where it stands; null where none does.",
                {"200": answer("The answer, or null.", answers.AnswerShape)},
                ANY,
                parameters=[param(name, "query", words) for name, words in answers.PARAMETERS.items()],
                tag="items",
            )
        },
        "/v1/reviews": {
            "get": door(
                "reviews",
                "An item's reviews summed up by quoted sentences with counts.",
                {"200": answer("What they say.", answers.ReviewsShape)},
                ANY,
                parameters=[param("item", "query", "The item's id.")],
                tag="items",
            )
        },
    }
