"""Features and experiments in GrowthBook's own shape, evaluated by GrowthBook's own library, sticky buckets included.

For those who come from there: the payload that their SDKs get is understood as it is. What ``micromoments.toml`` names
goes through ``experiment`` instead, with the same hash, ranges, namespaces and conditions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_OURS = {
    "savedGroups": "saved_groups",
    "forcedVariations": "forced_variations",
    "forcedFeatureValues": "forced_features",
    "qaMode": "qa_mode",
    "contextualBandits": "contextual_bandits",
    "stickyBucketIdentifierAttributes": "sticky_bucket_identifier_attributes",
}
_TAKEN = frozenset({"enabled", "attributes", "url", "features", "user", "groups", "overrides", *_OURS.values()})
"""What the library takes of a context; other names are left alone."""


def feature(key: str, context: Mapping[str, Any], kept: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """A feature's value for a context.

    Args:
        key: the feature's.
        context: as GrowthBook's SDKs have it: ``attributes``, ``features``, ``savedGroups`` and the like.
        kept: sticky assignments: ``attributeName``, ``attributeValue``, ``assignments`` each.

    Returns:
        ``value on off source ruleId``, ``experimentResult`` (or null), and ``sticky``: the assignments to keep, by
        ``name||value``.
    """
    book, service = _book(context, kept)
    try:
        got = book.eval_feature(key)
        result = got.experimentResult
        return {
            "value": got.value,
            "on": got.on,
            "off": got.off,
            "source": got.source,
            "ruleId": got.ruleId,
            "experimentResult": result.to_dict() if result is not None else None,
            "sticky": {name: document for name, document in service.docs.items() if _theirs(document, context)},
        }
    finally:
        book.destroy()


def run(experiment: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """One experiment for a context: ``value inExperiment hashUsed variationId`` and what else the library gives."""
    from growthbook import Experiment

    book, _ = _book(context, ())
    try:
        found: dict[str, Any] = book.run(Experiment(**experiment)).to_dict()
        return found
    finally:
        book.destroy()


def _theirs(document: Mapping[str, Any], context: Mapping[str, Any]) -> bool:
    """Whether a sticky assignment is of one of the context's attributes."""
    value = (context.get("attributes") or {}).get(document["attributeName"])
    return value is not None and str(value) == document["attributeValue"]


def _book(context: Mapping[str, Any], kept: Sequence[Mapping[str, Any]]) -> tuple[Any, Any]:
    """GrowthBook's client over a context, and what keeps its sticky buckets."""
    from growthbook import GrowthBook
    from growthbook.growthbook import InMemoryStickyBucketService

    service = InMemoryStickyBucketService()
    for document in (*kept, *(context.get("stickyBucketAssignmentDocs") or {}).values()):
        service.save_assignments(dict(document))
    given = {_OURS.get(name, name): value for name, value in context.items()}
    known = {name: given[name] for name in _TAKEN if name in given}
    book = GrowthBook(sticky_bucket_service=service, **known)
    return book, service
