"""What is served where a slot's policy fails: the slot is decided by the default, and the decision says so."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace as replaced

from msgspec.structs import replace

from micromoments.core.decision import Decision, Request
from micromoments.core.effect import Reserve
from micromoments.core.person import Person
from micromoments.flow.view import DEFAULT, View
from micromoments.policy.base import Policy

POLICY_FAILED = "policy_failed"
"""In ``degraded``: the slot's policy raised, or gave no distribution, and the default was drawn from."""
Choose = Callable[[Person, Request, View, int, Mapping[str, int]], tuple[Decision, Sequence[Reserve]]]
log = logging.getLogger("micromoments")


class _Default(Mapping[str, Policy]):
    """The default in place of every policy."""

    def __init__(self, policies: Mapping[str, Policy]) -> None:
        self._policies = policies

    def __getitem__(self, key: str) -> Policy:
        return self._policies[DEFAULT]

    def __iter__(self) -> Iterator[str]:
        return iter(self._policies)

    def __len__(self) -> int:
        return len(self._policies)


def chosen(
    choose: Choose, person: Person, request: Request, view: View, seed: int, left: Mapping[str, int]
) -> tuple[Decision, Sequence[Reserve]]:
    """What ``choose`` decides, or where that fails what it decides with the default policy, whose propensities are as
    true. Actions that came with a request have no default: there the error is the caller's to hear.
    """
    try:
        return choose(person, request, view, seed, left)
    except Exception:
        if request.actions:
            raise
        log.exception("slot %r can't be decided by its policy; the default is served", request.slot)
    plain = replaced(view, policies=_Default(view.policies))
    decision, reserves = choose(person, request, plain, seed, left)
    return replace(decision, degraded=(*decision.degraded, POLICY_FAILED)), reserves
