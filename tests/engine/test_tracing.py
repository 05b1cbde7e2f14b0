"""One trace goes from an event to the decision for its moment and to what came of that."""

from __future__ import annotations

from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from micromoments.engine.tracing import Tracing, nowhere, tracing
from micromoments.server.app import App
from micromoments.server.keys import Keys
from tests.channels.receiver import receiving
from tests.engine.shop import ITEMS, MINUTE, Clock, asked, clicked, opened, search
from tests.engine.test_deliveries import ended, shop, until
from tests.server.asgi import Client


async def day(folder: Path, share: float = 1.0) -> list[ReadableSpan]:
    """Somebody searches, is served, clicks; later the moment is over. The spans that this gives."""
    clock, exporter = Clock(), InMemorySpanExporter()
    async with opened(folder, clock) as service:
        service._keeper.traced = Tracing(SimpleSpanProcessor(exporter), share)
        await service.put_items(ITEMS)
        await search(service, clock, "m1", person="a1")
        decision = await service.decide(asked("d1", "anon:a1", clock.at))
        clock.at += MINUTE
        await clicked(service, clock, decision, "m2")
    return list(exporter.get_finished_spans())


async def test_one_trace_from_event_to_outcome(tmp_path: Path) -> None:
    """The search that told the moment, the decision for it and its click share a trace; each names what led to it, and
    nobody's id is in any of them.
    """
    found = await day(tmp_path / "shop")
    spans = {span.name: span for span in found}
    event, decision, click = (spans[name] for name in ("Products Searched", "decide home", "clicked"))
    assert event.context is not None
    assert decision.context is not None
    assert click.context is not None
    assert {one.context.trace_id for one in (event, decision, click) if one.context} == {event.context.trace_id}
    assert click.parent is not None
    assert click.parent.span_id == decision.context.span_id
    assert decision.parent is not None
    assert event.parent is not None
    assert decision.parent.span_id == event.parent.span_id
    assert decision.attributes is not None
    assert decision.attributes["micromoments.decision"] == "d1"
    assert "a1" not in "".join(span.to_json() for span in found)


async def test_a_delivery_is_in_the_trace_of_its_moment(tmp_path: Path) -> None:
    """What a webhook was sent hangs on the decision that it was chosen by, in the trace of the search that told it."""
    clock, exporter = Clock(), InMemorySpanExporter()
    with receiving() as receiver:
        async with opened(tmp_path / "shop", clock, shop(receiver.url)) as service:
            service._keeper.traced = service.deliveries._courier.traced = Tracing(SimpleSpanProcessor(exporter))
            await service.put_items(ITEMS)
            await search(service, clock, "m1", person="a1")
            (one,) = await ended(service, status="sent")
            await until(lambda: any(span.name == "deliver crm" for span in exporter.get_finished_spans()))
    spans = {span.name: span for span in exporter.get_finished_spans()}
    event, decision, delivery = (spans[name] for name in ("Products Searched", "decide push", "deliver crm"))
    assert event.context is not None
    assert decision.context is not None
    assert delivery.context is not None
    assert event.context.trace_id == decision.context.trace_id == delivery.context.trace_id
    assert delivery.parent is not None
    assert delivery.parent.span_id == decision.context.span_id
    assert delivery.attributes is not None
    assert delivery.attributes["micromoments.delivery"] == one["deliveryId"]
    assert delivery.attributes["micromoments.status"] == "sent"


async def test_a_share_of_traces_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    """With a share of nothing nothing is sent; the same facts give the same ids in every process."""
    assert await day(tmp_path / "none", 0.0) == []
    one, other = await day(tmp_path / "one"), await day(tmp_path / "other")
    clicks = [next(s.context.span_id for s in some if s.name == "clicked" and s.context) for some in (one, other)]
    assert len(one) == len(other)
    assert clicks[0] != 0


def test_it_is_off_unless_an_endpoint_is_named() -> None:
    """No setting of ours: OpenTelemetry's own environment says where to; a share that is none is refused."""
    assert tracing({}) is nowhere
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    assert tracing({**endpoint, "OTEL_SDK_DISABLED": "true"}) is nowhere
    with pytest.raises(ValueError, match="wanted the share of traces to keep, 0 to 1"):
        tracing({**endpoint, "OTEL_TRACES_SAMPLER_ARG": "half"})


@pytest.mark.parametrize(
    ("parent", "kept"),
    [
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", True),
        ("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later", True),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", False),
        ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", False),
        ("00-00000000000000000000000000000000-b7ad6b7169203331-01", False),
        ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", False),
        ("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", False),
        ("nonsense", False),
    ],
)
async def test_a_request_is_in_its_callers_trace_and_leads_to_the_moments(
    tmp_path: Path, parent: str, kept: bool
) -> None:
    """A decision asked with a traceparent is a span below the caller's, linked with the decision's own in the trace of
    its moment; one that isn't kept there, or can't be read, is none, and is answered all the same.
    """
    clock, exporter = Clock(), InMemorySpanExporter()
    async with opened(tmp_path / "shop", clock) as service:
        app = App(service, Keys([], ["sk"], clock=clock))
        tracer = Tracing(SimpleSpanProcessor(exporter))
        service._keeper.traced = app.decider.traced = tracer
        await service.put_items(ITEMS)
        await search(service, clock, "m1", person="a1")
        ask = Client(app, "Bearer sk")
        body = {"anonymousId": "a1", "slot": "home", "decisionId": "d1"}
        assert (await ask("POST", "/v1/decide", body, headers=[("traceparent", parent)])).status == 200
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert ("POST /v1/decide" in spans) is kept
    if kept:
        request, decision = spans["POST /v1/decide"], spans["decide home"]
        assert request.context is not None
        assert decision.context is not None
        assert request.parent is not None
        assert f"{request.context.trace_id:032x}" == parent[3:35]
        assert f"{request.parent.span_id:016x}" == parent[36:52]
        (link,) = request.links
        assert (link.context.trace_id, link.context.span_id) == (
            decision.context.trace_id,
            decision.context.span_id,
        )
