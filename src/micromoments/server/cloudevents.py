"""``POST /v1/cloudevents``: CloudEvents 1.0, binary, structured or batched; answered once durable, as a batch is."""

from __future__ import annotations

from micromoments.server.collect import Collector
from micromoments.server.foreign import Routes, confirmed, sender
from micromoments.server.http import Call, Reply, reply
from micromoments.server.keys import Access
from micromoments.server.problem import Problem, not_taken
from micromoments.server.service import Service
from micromoments.sources import cloudevents, segment
from micromoments.sources.clean import Cleaner
from micromoments.sources.lenient import Rejected
from micromoments.sources.segment import MAX_BATCH, Rejection


class CloudEvents:
    """Takes CloudEvents, by any key of the project."""

    def __init__(self, service: Service, cleaner: Cleaner, collector: Collector) -> None:
        self._service = service
        self._cleaner = cleaner
        self._collector = collector

    def routes(self) -> Routes:
        """The door."""
        return {"/v1/cloudevents": {"POST": (self.receive, False)}}

    async def receive(self, call: Call, access: Access) -> Reply:
        """One request's events; those of a batch that can't be taken are named, and the others are.

        Raises:
            Problem: the request holds no CloudEvents, or its only event can't be taken.
        """
        body = await call.body(MAX_BATCH)
        try:
            events = cloudevents.received(call.headers, body)
        except Rejected as rejected:
            raise _problem(rejected) from None
        agent, ip = sender(call)
        arrivals, rejections = [], []
        for index, event in enumerate(events):
            try:
                shaped = cloudevents.call(event)
                arrival = segment.arrival(
                    shaped,
                    received_at=self._service.clock(),
                    marks=access.marks,
                    confirmed=confirmed(access, shaped.get("userId"), shaped["type"]),
                )
                arrivals.append(self._cleaner.clean(arrival, agent=agent, ip=ip))
            except Rejected as rejected:
                if len(events) == 1:
                    raise _problem(rejected) from None
                name = event.get("id")
                said = name[:100] if isinstance(name, str) else None
                rejections.append(Rejection(index, said, rejected.code, rejected.detail))
        self._collector.rejected += len(rejections)
        if arrivals:
            await self._service.collect(self._collector.called(arrivals, call.headers))
        return reply({"success": True, "rejected": rejections})


def _problem(rejected: Rejected) -> Problem:
    return not_taken(rejected.code, rejected.detail, "CloudEvents 1.0 in binary, structured or batched mode")
