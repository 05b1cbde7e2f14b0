"""The Snowplow doors: ``POST /com.snowplowanalytics.snowplow/tp2`` and the pixel ``GET /i``; ``aid`` is the write key.

Answered once durable. Trackers read nothing but the status: 2xx is done, 400 and 401 are final, all else is sent again.
A request is refused as a whole where no event of it has a known key or can be taken; otherwise what can't be taken is
counted and left out.
"""

from __future__ import annotations

import base64

from micromoments.core.event import Arrival
from micromoments.server.collect import Collector
from micromoments.server.cors import Cors
from micromoments.server.foreign import Routes, confirmed, in_words, sender
from micromoments.server.http import Call, Headers, Reply
from micromoments.server.keys import Access, Keys, as_sent
from micromoments.server.problem import Problem, not_taken
from micromoments.server.service import Service
from micromoments.sources import segment, snowplow
from micromoments.sources.clean import Cleaner
from micromoments.sources.lenient import Rejected
from micromoments.sources.segment import MAX_BATCH

VENDOR = "com.snowplowanalytics.snowplow"
PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""A transparent GIF of one pixel."""


class Snowplow:
    """Takes Snowplow's payloads."""

    def __init__(self, service: Service, keys: Keys, cleaner: Cleaner, cors: Cors, collector: Collector) -> None:
        self._service = service
        self._keys = keys
        self._cleaner = cleaner
        self._cors = cors
        self._collector = collector

    def routes(self) -> Routes:
        """The doors."""
        return {
            f"/{VENDOR}/tp2": {"POST": in_words(self.post, self._said)},
            "/i": {"GET": in_words(self.pixel, self._said)},
        }

    async def post(self, call: Call) -> Reply:
        """A batch of payloads."""
        body = await call.body(MAX_BATCH)
        try:
            payloads = snowplow.posted(body)
        except Rejected as rejected:
            raise not_taken(rejected.code, rejected.detail, "payload_data") from None
        await self._take(call, payloads)
        return Reply(200, b"ok", b"text/plain", self._headers(call))

    async def pixel(self, call: Call) -> Reply:
        """One payload, as the query of a picture."""
        if call.scope["method"] != "HEAD":
            await self._take(call, [call.query])
        return Reply(200, PIXEL, b"image/gif", [*self._headers(call), (b"cache-control", b"no-store")])

    def _headers(self, call: Call) -> Headers:
        return self._cors.credentials(call.headers.get(b"origin"))

    async def _take(self, call: Call, payloads: list[dict[str, str]]) -> None:
        if self._keys.open:
            self._keys.check_loopback(call.headers)
        sent = self._keys.of(call.headers.get(b"authorization"))
        arrivals: list[Arrival] = []
        unknown: list[Rejected] = []
        known = not payloads
        for payload in payloads:
            access = sent or self._keys.of_key(payload.get("aid"))
            known = known or access is not None
            try:
                if access is None:
                    raise Rejected("invalid_write_key", "got no known aid; wanted the write key as application id")
                arrivals.append(self._arrival(call, payload, access))
            except Rejected as rejected:
                unknown.append(rejected)
        self._collector.rejected += len(unknown)
        if not known:
            raise Problem(401, "invalid_write_key", "no known aid", "the write key as application id (aid)")
        if unknown and not arrivals:
            raise not_taken(unknown[0].code, unknown[0].detail, "an event of the tracker protocol")
        if arrivals:
            await self._service.collect(arrivals)

    def _said(self, problem: Problem, call: Call) -> Reply:
        """Plain words: a tracker looks at the status, a person at the rest. A page's own tracker sends its cookies
        along, and sees the status only where the answer allows that: else what is final would be sent for ever.
        """
        headers = [*problem.headers(), *self._headers(call)]
        return Reply(problem.status, str(problem).encode(), b"text/plain; charset=utf-8", headers)

    def _arrival(self, call: Call, payload: dict[str, str], access: Access) -> Arrival:
        shaped = snowplow.call(payload, segment.new_message_id())
        arrival = segment.arrival(
            shaped,
            received_at=self._service.clock(),
            marks=as_sent(access, call.headers).marks,
            confirmed=confirmed(access, payload.get("uid")),
        )
        agent, ip = sender(call)
        return self._cleaner.clean(arrival, agent=agent, ip=ip)
