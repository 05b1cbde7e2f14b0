"""Scenarios in OpenFeature's words, with the real providers for Python and Node against a server of ours.

``evaluation.feature`` beside this file always plays. OpenFeature's own suite is in no published package:
``scenarios.sh`` brings a copy of it, which then plays too. Scenarios of the SDK alone (provider states, hooks,
caching), and those that want a reason which OFREP has no word for (DEFAULT), are not about a server, and are left out
by their steps.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from micromoments.core.settings import Experiment, Settings
from micromoments.engine.service import now_ms, open_service
from micromoments.server.app import App
from micromoments.server.keys import Keys
from tests.clients.conftest import HERE, node
from tests.clients.table import Row, npm, python
from tests.server.asgi import SECRET_KEY
from tests.server.serving import running

OURS = HERE / "evaluation.feature"
THEIRS = HERE / "spec" / "specification" / "assets" / "gherkin" / "evaluation_v2.feature"

PICTURE = {"showImages": True, "title": "Check out these pics!", "imagesPerPage": 100}
VALUES: dict[str, tuple[str, Any]] = {
    "boolean-flag": ("on", True),
    "string-flag": ("greeting", "hi"),
    "integer-flag": ("ten", 10),
    "float-flag": ("half", 0.5),
    "object-flag": ("template", PICTURE),
    "boolean-zero-flag": ("zero", False),
    "string-zero-flag": ("zero", ""),
    "integer-zero-flag": ("zero", 0),
    "float-zero-flag": ("zero", 0.0),
    "object-zero-flag": ("zero", {}),
}
KINDS = ("boolean", "string", "integer", "float", "object")
NAMES = {"reason": "reason", "variant": "variant", "flag key": "key", "error-code": "error"}
STEPS = (
    r"a (?P<type>\w+)-flag with key \"(?P<key>.*?)\" and a fallback value \"(?P<default>.*)\"",
    r"a context containing a key \"(?P<name>.*?)\", with type \"(?P<kind>\w+)\" and with value \"(?P<said>.*)\"",
    r"the flag was evaluated with details",
    r"the resolved details value should be \"(?P<value>.*)\"",
    r"the (?P<what>reason|variant|flag key|error-code) should be \"(?P<wanted>.*)\"",
)


def flags() -> dict[str, Experiment]:
    """The suite's flags as experiments: one variant has all the weight; a targeted one has a condition."""
    made = {
        key: Experiment(slot=key, variants={variant: 1.0, "other": 0.0}, values={variant: value})
        for key, (variant, value) in VALUES.items()
    }
    for kind in KINDS:
        zero = VALUES[f"{kind}-zero-flag"][1]
        made[f"{kind}-targeted-zero-flag"] = Experiment(
            slot="t", variants={"zero": 1.0}, values={"zero": zero}, condition={"email": "ballmer@macrosoft.com"}
        )
        made[f"{kind}-disabled-flag"] = Experiment(slot="d", variants={"on": 1.0}, running=False)
    made["complex-targeted"] = Experiment(
        slot="t",
        variants={"internal": 1.0},
        values={"internal": "INTERNAL"},
        condition={"email": "ballmer@macrosoft.com", "customer": False, "age": {"$gt": 10}},
    )
    return made


def scenarios(text: str) -> Iterator[tuple[str, list[str]]]:
    """Every scenario's name and steps, outlines filled in with their examples."""
    for block in re.split(r"\n\s*(?=Scenario)", text)[1:]:
        lines = [line.strip() for line in block.splitlines() if line.strip() and line.strip()[0] not in "#@"]
        name = lines[0].partition(":")[2].strip()
        steps = [line.split(" ", 1)[1] for line in lines if re.match(r"(Given|When|Then|And) ", line)]
        head: list[str] = []
        tables = 0
        for line in lines:
            if line.startswith("Examples"):
                head, tables = [], tables + 1
            elif line.startswith("|") and tables:
                cells = [cell.strip() for cell in line.strip("|").split("|")]
                if not head:
                    head = cells
                    continue
                row = dict(zip(head, cells, strict=True))
                yield name, [re.sub(r"<(\w+)>", lambda m, row=row: row[m[1]], step) for step in steps]
        if not tables:
            yield name, steps


def read(kind: str, text: str) -> Any:
    """A value as the suite writes it."""
    text = text.replace('\\"', '"')
    return text if kind == "String" else json.loads(text)


class Asked(NamedTuple):
    """One evaluation that a scenario asks for, and what it wants of the details."""

    kind: str
    key: str
    default: Any
    around: dict[str, Any]
    wanted: dict[str, Any]


Details = dict[str, Any]
"""``value reason variant key error`` of one evaluation."""


def read_steps(steps: list[str]) -> Asked | None:
    """What a scenario asks; ``None`` where it holds a step that isn't about a server."""
    found = [next((m for one in STEPS if (m := re.fullmatch(one, step))), None) for step in steps]
    told = [match.groupdict() for match in found if match is not None]
    if None in found or any(each.get("wanted") in ("DEFAULT", "CACHED") for each in told):
        return None
    flag = next(each for each in told if "key" in each)
    kind = flag["type"]
    wanted = {NAMES[each["what"]]: each["wanted"] for each in told if "what" in each}
    for value in (each["value"] for each in told if "value" in each):
        wanted["value"] = read(kind, value)
    around = {each["name"]: read(each["kind"], each["said"]) for each in told if "name" in each}
    return Asked(kind, flag["key"], read(kind, flag["default"]), around, wanted)


def by_python(url: str, asked: list[Asked]) -> Iterator[Details]:
    """The evaluations by the provider for Python."""
    from openfeature import api
    from openfeature.contrib.provider.ofrep import OFREPProvider
    from openfeature.evaluation_context import EvaluationContext

    headers = {"Authorization": f"Bearer {SECRET_KEY}"}
    provider = OFREPProvider(url, headers_factory=lambda: headers)
    api.set_provider(provider)
    for one in asked:
        ask = getattr(api.get_client(), f"get_{one.kind.lower()}_details")
        got = ask(one.key, one.default, EvaluationContext("ana", one.around))
        yield {
            "value": got.value,
            "reason": got.reason,
            "variant": got.variant,
            "key": got.flag_key,
            "error": got.error_code,
        }
    provider.session.close()


def by_node(url: str, asked: list[Asked]) -> list[Details]:
    """The evaluations by the provider for Node."""
    told = [[one.kind, one.key, one.default, one.around] for one in asked]
    got: list[Details] = json.loads(node(HERE, "ofrep_suite.cjs", url, SECRET_KEY, json.dumps(told)))
    return got


def python_slips(one: Asked) -> bool:
    """To the provider for Python True is an integer."""
    return (one.key, one.kind) == ("boolean-flag", "Integer")


def node_slips(one: Asked) -> bool:
    """The provider for Node (0.1) takes a flag without a value, which leaves it to the code's default, for an error."""
    return one.wanted.get("reason") == "DISABLED"


RUNTIMES: dict[str, tuple[Callable[[str, list[Asked]], Any], Callable[[Asked], bool]]] = {
    "python": (by_python, python_slips),
    "node": (by_node, node_slips),
}


def played(folder: Path, feature: Path, runtime: str) -> int:
    """How many scenarios of a file held: all but those of the SDK alone, and what a provider itself gets wrong,
    whatever a server answers.
    """
    ask, slips = RUNTIMES[runtime]
    read_all = [read_steps(steps) for _, steps in scenarios(feature.read_text("utf-8"))]
    asked = [one for one in read_all if one is not None and not slips(one)]
    service = open_service(folder / "shop", Settings(experiments=flags()), now_ms)
    with running(App(service, Keys((), [SECRET_KEY], clock=now_ms))) as (port, _):
        for one, got in zip(asked, ask(f"http://127.0.0.1:{port}", asked), strict=True):
            assert {name: got.get(name) for name in one.wanted} == one.wanted, one
    return len(asked)


@pytest.mark.parametrize(("runtime", "least"), [("python", 36), ("node", 31)])
def test_our_scenarios_hold(
    tmp_path: Path, seen: list[Row], request: pytest.FixtureRequest, runtime: str, least: int
) -> None:
    """Values of each type and nothing of each, targeting, switched off, missing and of another type: all play."""
    held = hold(tmp_path, seen, request, runtime, OURS, "scenarios in OpenFeature's words")
    assert held == least


@pytest.mark.skipif(
    not THEIRS.exists(), reason="OpenFeature's scenarios are not here; tests/clients/scenarios.sh brings them"
)
@pytest.mark.parametrize(("runtime", "least"), [("python", 41), ("node", 36)])
def test_openfeature_s_own_scenarios_hold(
    tmp_path: Path, seen: list[Row], request: pytest.FixtureRequest, runtime: str, least: int
) -> None:
    """Every scenario of theirs about what a server answers."""
    assert hold(tmp_path, seen, request, runtime, THEIRS, "OpenFeature's scenarios") >= least


def hold(folder: Path, seen: list[Row], request: pytest.FixtureRequest, runtime: str, feature: Path, whose: str) -> int:
    """Play a file by a runtime's provider, and note it; gives how many scenarios held."""
    if runtime == "node":
        request.getfixturevalue("installed")
        client, release = "@openfeature/ofrep-provider", npm("@openfeature/ofrep-provider")
    else:
        client, release = "openfeature-provider-ofrep (Python)", python("openfeature-provider-ofrep")
    held = played(folder, feature, runtime)
    seen.append(Row(client, release, f"{whose}: {held}", "as they say"))
    return held
