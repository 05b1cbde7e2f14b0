"""An event in the trace of whoever sent it: W3C's ``traceparent``, kept in the event's own context.

Source: W3C Trace Context, Level 1, "traceparent Header". So it goes where the event goes: through the log, to whichever
process folds it.
"""

from __future__ import annotations

import msgspec

from micromoments.core.event import Arrival

NAME = "traceparent"


def called(arrival: Arrival, parent: str) -> Arrival:
    """The arrival with a ``traceparent``, unless it brought one of its own."""
    event = arrival.event
    if NAME in event.context:
        return arrival
    context = {**event.context, NAME: parent}
    body = msgspec.json.encode({**msgspec.json.decode(arrival.body), "context": context})
    return msgspec.structs.replace(arrival, event=msgspec.structs.replace(event, context=context), body=body)
