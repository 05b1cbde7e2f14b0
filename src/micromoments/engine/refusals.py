"""What the engine refuses, in words for the doors."""

from __future__ import annotations

from micromoments.core.decision import Decision, Request


class Overloaded(Exception):
    """More came than can be folded; nothing of this was accepted. ``retry_after`` is in seconds."""

    retry_after = 1


class Conflict(Exception):
    """The same decision id was used before with another body."""


def same(known: Decision, request: Request) -> Decision:
    """A decision that is known by the request's id.

    Raises:
        Conflict: it was for another body.
    """
    if known.digest != request.digest:
        raise Conflict(f"got decisionId {request.id!r} with another body than before; send the same body, or a new id")
    return known
