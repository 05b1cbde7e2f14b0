"""One trace goes from an event to the decision for its moment and to what came of that."""

from __future__ import annotations

from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

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


def below(span: ReadableSpan, caller: tuple[int, int]) -> bool:
    """Whether a span hangs on the caller's, in the caller's trace."""
    assert span.context is not None
    assert span.parent is not None
    return (span.context.trace_id, span.parent.span_id) == caller


def sender(number: int) -> tuple[tuple[int, int], list[tuple[str, str]]]:
    """A caller's trace and span, and the headers that OpenTelemetry's own propagator writes for it."""
    context = SpanContext(0xA0 + number, 0xB0 + number, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    headers: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(headers, set_span_in_context(NonRecordingSpan(context)))
    return (context.trace_id, context.span_id), list(headers.items())


@pytest.mark.parametrize("door", ["/v1/track", "/v1/batch", "/v1/cloudevents", "/v1/decide"])
async def test_an_event_is_in_its_callers_trace_and_leads_to_the_moments(tmp_path: Path, door: str) -> None:
    """What one caller's trace sends, searching, asking, clicking, is below its spans; the search there and the one in
    the trace of the moment that it told link to each other.
    """
    clock, exporter = Clock(), InMemorySpanExporter()
    caller, headers = sender(1)
    search = {
        "anonymousId": "a1",
        "messageId": "m1",
        "event": "Products Searched",
        "properties": {"query": "buy shoes"},
    }
    event = {"specversion": "1.0", "id": "1", "source": "shop", "type": "Products Searched", "anonymousid": "a1"}
    body: object = {
        "/v1/track": search,
        "/v1/batch": {"batch": [{"type": "track", **search}]},
        "/v1/cloudevents": {**event, "data": search["properties"]},
        "/v1/decide": {"anonymousId": "a1", "slot": "home", "decisionId": "d1", "event": {"type": "track", **search}},
    }[door]
    if door == "/v1/cloudevents":
        headers.append(("content-type", "application/cloudevents+json"))
    async with opened(tmp_path / "shop", clock) as service:
        app = App(service, Keys([], ["sk"], clock=clock))
        tracer = Tracing(SimpleSpanProcessor(exporter))
        service._keeper.traced = app.decider.traced = app.collector.traced = tracer
        await service.put_items(ITEMS)
        ask = Client(app, "Bearer sk")
        assert (await ask("POST", door, body, headers=headers)).status == 200
        again = {"anonymousId": "a1", "slot": "home", "decisionId": "d2"}
        served = (await ask("POST", "/v1/decide", again, headers=sender(1)[1])).json
        clicked = {"decision_id": "d2", "item_id": served["items"][0]["id"]}
        click = {"anonymousId": "a1", "messageId": "m2", "event": "Decision Clicked", "properties": clicked}
        assert (await ask("POST", "/v1/track", click, headers=sender(1)[1])).status == 200
    found = exporter.get_finished_spans()
    theirs = {span.name: span for span in found if span.context and span.context.trace_id == caller[0]}
    ours = {span.name: span for span in found if span.context and span.context.trace_id != caller[0]}
    assert {*theirs} == {"Products Searched", "POST /v1/decide", "Decision Clicked"}
    assert all(below(span, caller) for span in theirs.values())
    for one, other in ((theirs, ours), (ours, theirs)):
        (link,) = one["Products Searched"].links
        assert link.context == other["Products Searched"].context
    assert ours["clicked"].context is not None
    assert ours["clicked"].context.trace_id == theirs["Products Searched"].links[0].context.trace_id


async def test_an_event_names_its_trace_itself_where_a_batch_is_of_many(tmp_path: Path) -> None:
    """A batch that a collector sends on holds events of many callers: what stands in an event's context counts before
    the request's header, and one whose caller keeps no trace, or that can't be read, is in none.
    """
    clock, exporter = Clock(), InMemorySpanExporter()
    named = {
        "Ours": "00-000000000000000000000000000000c1-00000000000000d1-01",
        "Not Kept": "00-000000000000000000000000000000c2-00000000000000d2-00",
        "Nonsense": "nonsense",
        "Not Even Text": 7,
    }
    events = [
        {"type": "track", "anonymousId": "a1", "event": name, "context": {"traceparent": parent}}
        for name, parent in named.items()
    ]
    async with opened(tmp_path / "shop", clock) as service:
        app = App(service, Keys([], ["sk"], clock=clock))
        service._keeper.traced = app.collector.traced = Tracing(SimpleSpanProcessor(exporter), share=0.0)
        ask = Client(app, "Bearer sk")
        assert (await ask("POST", "/v1/batch", {"batch": events}, headers=sender(1)[1])).status == 200
    (only,) = exporter.get_finished_spans()
    assert only.name == "Ours"
    assert below(only, (0xC1, 0xD1))


async def test_who_may_not_be_measured_is_in_no_trace(tmp_path: Path) -> None:
    """No span is made of an event of somebody who said no to being measured, whoever's trace it came with."""
    clock, exporter = Clock(), InMemorySpanExporter()
    async with opened(tmp_path / "shop", clock) as service:
        app = App(service, Keys([], ["sk"], clock=clock))
        service._keeper.traced = app.collector.traced = Tracing(SimpleSpanProcessor(exporter))
        search = {"anonymousId": "a1", "event": "Products Searched", "properties": {"query": "buy shoes"}}
        no = {"anonymousId": "a1", "event": "Consent Updated", "properties": {"measure": False}}
        ask = Client(app, "Bearer sk")
        for event in (no, search):
            assert (await ask("POST", "/v1/track", event, headers=sender(1)[1])).status == 200
    assert exporter.get_finished_spans() == ()


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
