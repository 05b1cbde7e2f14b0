"""Requests made up from contracts: OFREP's published one without a finding, our own without an error of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.core.transport import Response

from micromoments.core.settings import Experiment, Settings, Slot
from micromoments.engine.service import now_ms, open_service
from micromoments.server.app import App
from micromoments.server.keys import Keys
from micromoments.server.openapi import document
from tests.server.asgi import SECRET_KEY, WRITE_KEY
from tests.server.serving import running

EXAMPLES = 12
"""Requests that are made up in each way, for each of our operations."""
MORE = 60
"""The same, for each of OFREP's."""
SETTINGS = Settings(
    slots={"home": Slot()}, experiments={"colour": Experiment(slot="home", variants={"on": 1.0, "off": 1.0})}
)
AUTH = {"Authorization": f"Bearer {SECRET_KEY}"}
BOTH = {**AUTH, "X-API-Key": SECRET_KEY}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real server with a slot, an experiment and an item."""
    service = open_service(tmp_path_factory.mktemp("fuzzed") / "shop", SETTINGS, now_ms)
    app = App(service, Keys([WRITE_KEY], [SECRET_KEY], clock=now_ms))
    with running(app) as (port, _):
        import httpx

        item = {"id": "p1", "kind": "product", "title": "Trail shoe"}
        httpx.put(f"http://127.0.0.1:{port}/v1/items", json=[item], headers=AUTH).raise_for_status()
        yield f"http://127.0.0.1:{port}"


def published(shared: Path) -> dict[str, Any]:
    """OFREP's contract, with its one slip mended: as published, ``codeDefaultFlag`` and ``floatFlag`` also match what
    the other kinds of flag match, so that within ``oneOf`` no flag with a value could ever be valid.
    """
    text = (shared / "conformance" / "ofrep_openapi.yaml").read_text(encoding="utf-8")
    contract: dict[str, Any] = yaml.safe_load(text)
    schemas = contract["components"]["schemas"]
    schemas["codeDefaultFlag"] = {"not": {"required": ["value"]}}
    schemas["floatFlag"]["properties"]["value"] = {"type": "number", "not": {"type": "integer"}}
    return contract


@pytest.mark.slow
def test_ofrep_as_published_has_no_finding(address: str, shared: Path) -> None:
    """Statuses, content types, headers and bodies are the contract's, for good requests and for bad ones."""
    contract = schemathesis.openapi.from_dict(published(shared))
    tried = fuzz(contract, MORE, lambda case: case.call_and_validate(base_url=address, headers=BOTH))
    named = fuzz(contract, MORE, lambda case: _named(case).call_and_validate(base_url=address, headers=BOTH))
    assert tried + named > 4 * MORE


@pytest.mark.slow
def test_our_contract_has_no_error_of_ours(address: str) -> None:
    """No request that can be made up from /openapi.json brings a 5xx, nor another shape than it promises for a 200."""
    described = document()
    for endless in ("/v1/stream", "/ofrep/v1/events/{channel}"):
        del described["paths"][endless]
    contract = schemathesis.openapi.from_dict(described)

    def ask(case: schemathesis.Case[Any]) -> None:
        answer: Response = case.call(base_url=address, headers=AUTH)
        assert answer.status_code < 500, (case.method, case.path, answer.status_code, answer.text[:300])

    assert fuzz(contract, EXAMPLES, ask) > 30 * EXAMPLES


def _named(case: schemathesis.Case[Any]) -> schemathesis.Case[Any]:
    """The same of a flag that there is."""
    if "key" in case.path_parameters:
        case.path_parameters["key"] = "home"
    return case


def fuzz(contract: Any, examples: int, ask: Callable[[schemathesis.Case[Any]], object]) -> int:
    """Make up requests of every operation, good and bad ones; gives how many."""
    operations = [found.ok() for found in contract.get_all_operations()]
    return sum(attempt(one, mode, examples, ask) for one in operations for mode in schemathesis.GenerationMode)


def attempt(
    operation: Any, mode: schemathesis.GenerationMode, examples: int, ask: Callable[[schemathesis.Case[Any]], object]
) -> int:
    """Make up requests of one operation in one way; gives how many."""
    count = 0

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(generation_mode=mode))
    def one(case: schemathesis.Case[Any]) -> None:
        nonlocal count
        count += 1
        ask(case)

    # An operation without parameters can't be asked wrongly.
    with suppress(Unsatisfiable):
        one()
    return count
