"""Traces to whatever speaks OpenTelemetry's protocol, where ``OTEL_EXPORTER_OTLP_ENDPOINT`` names it."""

from __future__ import annotations

import atexit
import os
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Protocol

from micromoments.core.decision import Decision
from micromoments.core.event import Millis
from micromoments.core.fact import Fact
from micromoments.flow.traces import Caller, Span, request, spans

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import SpanContext

NAMES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
RATIO = "OTEL_TRACES_SAMPLER_ARG"
NONE: Mapping[int, str] = {}


class Traced(Protocol):
    """Takes facts that are committed, and the ``traceparent`` of the events that brought one, by their versions."""

    def __call__(self, facts: Sequence[Fact], callers: Mapping[int, str] = NONE, /) -> None:
        """Hand them on."""
        ...


def nowhere(_facts: Sequence[Fact], _callers: Mapping[int, str] = NONE, /) -> None:
    """Nobody listens."""


@cache
def traced() -> Traced:
    """Where the spans of this process go, by its environment: one sender, whoever asks."""
    return tracing(os.environ)


def tracing(environment: Mapping[str, str]) -> Traced:
    """Where the spans of committed facts go: nowhere, unless the environment says.

    Raises:
        ValueError: it says, and the library isn't installed; or the share to keep is no number of [0, 1].
    """
    if not any(environment.get(name) for name in NAMES) or environment.get("OTEL_SDK_DISABLED", "") == "true":
        return nowhere
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise ValueError(
            f"got {NAMES[0]} and no OpenTelemetry library; install it: pip install 'micromoments[traces]'"
        ) from None
    try:
        share = float(environment.get(RATIO) or 1.0)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError(f"got {RATIO}={environment[RATIO]!r}; wanted the share of traces to keep, 0 to 1")
    processor = BatchSpanProcessor(OTLPSpanExporter())
    atexit.register(processor.shutdown)
    return Tracing(processor, share)


@cache
def names() -> frozenset[bytes]:
    """The headers by which a caller names its trace, as ``OTEL_PROPAGATORS`` has them; none where nothing is traced."""
    return frozenset() if traced() is nowhere else _names()


def _names() -> frozenset[bytes]:
    from opentelemetry.propagate import get_global_textmap

    return frozenset(name.lower().encode() for name in get_global_textmap().fields)


def called(carrier: Mapping[str, str]) -> Caller | None:
    """Whose trace something came with; ``None`` where it names none, or one that isn't kept."""
    from opentelemetry.context import Context
    from opentelemetry.propagate import extract
    from opentelemetry.trace import get_current_span

    found = get_current_span(extract(carrier, Context())).get_span_context()
    return Caller(found.trace_id, found.span_id) if found.is_valid and found.trace_flags.sampled else None


class Tracing:
    """Hands spans to a processor; of all traces it keeps a share, the same ones in every process."""

    def __init__(self, processor: SpanProcessor, share: float = 1.0) -> None:
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource

        self._processor = processor
        self._below = round(share * 2**64)
        self._names = _names()
        self._resource = Resource({"service.name": "micromoments"}).merge(OTELResourceDetector().detect())

    def __call__(self, facts: Sequence[Fact], callers: Mapping[int, str] = NONE, /) -> None:
        """Facts that are committed; returns at once, sending is the processor's. Whether a caller's trace is kept is
        the caller's to say.
        """
        known = {version: found for version, text in callers.items() if (found := called({"traceparent": text}))}
        for span in spans(facts, known):
            if span.called or span.trace % 2**64 < self._below:
                self._send(span)

    def parent(self, headers: Mapping[bytes, bytes]) -> str:
        """The ``traceparent`` of a request, whatever headers it named its trace by; empty where it is in none."""
        carrier = {name.decode(): headers[name].decode("latin-1") for name in self._names if name in headers}
        found = called(carrier) if carrier else None
        return f"00-{found.trace:032x}-{found.span:016x}-01" if found is not None else ""

    def asked(self, parent: str, decision: Decision, start: Millis, end: Millis) -> None:
        """A request for a decision that came with a ``traceparent``."""
        if caller := called({"traceparent": parent}):
            self._send(request(caller, decision, start, end))

    def _send(self, span: Span) -> None:
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.trace import Link, SpanKind

        self._processor.on_end(
            ReadableSpan(
                span.name,
                context=_context(span.trace, span.id),
                parent=_context(span.trace, span.parent) if span.parent else None,
                resource=self._resource,
                attributes=dict(span.attributes),
                links=[Link(_context(*link)) for link in span.links],
                kind=SpanKind.SERVER if span.called else SpanKind.INTERNAL,
                start_time=span.start * 1_000_000,
                end_time=span.end * 1_000_000,
            )
        )


def _context(trace: int, id: int) -> SpanContext:
    from opentelemetry.trace import SpanContext, TraceFlags

    return SpanContext(trace, id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
