"""The operator's doors: for the secret key alone, and each mistake in our words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from tests.learn.test_warm import dsjson
from tests.server.asgi import SECRET_KEY, WRITE_KEY, Client
from tests.server.fake import FakeService
from tests.server.test_real import address_of, server

DOORS = [
    ("GET", "/v1/switch"),
    ("PUT", "/v1/switch"),
    ("GET", "/v1/config"),
    ("POST", "/v1/config/reload"),
    ("POST", "/v1/config/check"),
    ("POST", "/v1/config/rollback"),
    ("GET", "/v1/policies"),
    ("GET", "/v1/policies/compare"),
    ("POST", "/v1/policies/rollback"),
    ("POST", "/v1/policies/warm"),
    ("GET", "/v1/weights"),
    ("PUT", "/v1/weights"),
    ("POST", "/v1/preview"),
]


@pytest.mark.parametrize(("method", "path"), DOORS)
async def test_only_the_secret_key_opens_them(browser: Client, method: str, path: str) -> None:
    """A write key is refused before anything is looked at."""
    assert (await browser(method, path, {"off": True})).status == 403


async def test_switching_off_and_on(backend: Client) -> None:
    """Off for one, off for all, on again; a body that isn't one is refused."""
    assert (await backend("PUT", "/v1/switch", {"slot": "home", "off": True})).json == {"off": ["home"]}
    assert (await backend("PUT", "/v1/switch", {"off": True})).json == {"off": ["*", "home"]}
    assert (await backend("GET", "/v1/switch")).json == {"off": ["*", "home"], "modes": {}}
    assert (await backend("PUT", "/v1/switch", {"slot": "home"})).json["code"] == "bad_request"
    assert (await backend("PUT", "/v1/switch", {"slot": "x" * 200, "off": True})).json["code"] == "bad_slot"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/v1/switch", {"slto": "home", "off": True}),
        ("POST", "/v1/preview", {"slot": "home", "query": "shoes"}),
        ("POST", "/v1/config/rollback", {"versoin": "sha256:0"}),
        ("POST", "/v1/deliveries/replay", {"id": ["x"]}),
    ],
)
async def test_a_mistyped_field_changes_nothing(
    backend: Client, method: str, path: str, body: dict[str, object]
) -> None:
    """A field that a door of the operator doesn't know is named and refused: a typo must not widen what is asked."""
    answer = await backend(method, path, body)
    assert (answer.status, answer.json["code"]) == (400, "bad_request")
    assert next(iter(name for name in body if name not in ("slot", "off"))) in answer.json["detail"]
    assert (await backend("GET", "/v1/switch")).json["off"] == []


async def test_versions_of_the_settings(backend: Client) -> None:
    """The list, a reload that is refused with the file's mistake, the way back, a version that there isn't."""
    told = (await backend("GET", "/v1/config")).json
    assert (told["versions"][0]["current"], told["models"][0]["version"]) == (True, "m0")
    refused = await backend("POST", "/v1/config/reload", {})
    assert (refused.status, "slots.home.limit" in refused.json["detail"]) == (409, True)
    assert (await backend("POST", "/v1/config/rollback", {})).json["configVersion"] == "sha256:0"
    assert (await backend("POST", "/v1/config/rollback", {"version": "nonsense"})).status == 404


async def test_an_addition_to_the_settings_is_only_looked_at(backend: Client) -> None:
    """Valid, or its mistakes; a body without TOML is refused."""
    assert (await backend("POST", "/v1/config/check", {"toml": "[rules.x]"})).json == {"valid": True, "mistakes": []}
    refused = (await backend("POST", "/v1/config/check", {"toml": "words"})).json
    assert (refused["valid"], refused["mistakes"]) == (False, ["micromoments.toml:1: got words; wanted TOML"])
    assert (await backend("POST", "/v1/config/check", {})).json["code"] == "bad_request"


async def test_versions_of_policies(backend: Client) -> None:
    """The list, a comparison, the way back; a policy or a version that there isn't is 404."""
    assert (await backend("GET", "/v1/policies")).json["policies"][0]["policy"] == "home:thompson"
    assert (await backend("GET", "/v1/policies/compare?policy=home:thompson&before=10")).json["before"] == 10
    for strange in ("x", "²", "9" * 5000):
        asked = f"/v1/policies/compare?policy=home:thompson&before={quote(strange)}"
        assert (await backend("GET", asked)).json["code"] == "no_such_version"
    assert (await backend("POST", "/v1/policies/rollback", {"policy": "home:thompson"})).json["version"] == 10
    assert (await backend("POST", "/v1/policies/rollback", {"policy": "nonsense"})).status == 404


async def test_a_log_teaches_a_slot(backend: Client) -> None:
    """Lines are learned and told in camelCase; those that can't be read are counted, and a log without any refused."""
    line = '{"decision_id": 1, "actions": [{"id": "a"}], "chosen": "a", "propensity": 1, "reward": 0}'
    told = (await backend("POST", "/v1/policies/warm?slot=home", body=f"{line}\nno\n".encode())).json
    assert (told["policy"], told["version"], told["setAside"]) == ("home:x", 1, 1)
    assert told["judged"]["after"] == {"effectiveSampleSize": 3.0}
    assert "line 2" in told["why"][0]
    assert (await backend("POST", "/v1/policies/warm?slot=home", body=b"")).json["code"] == "not_taught"
    assert (await backend("POST", "/v1/policies/warm", body=line.encode())).json["code"] == "bad_slot"


async def test_weights_of_the_recogniser(backend: Client) -> None:
    """What is in force, weights put, those before back; what are no weights, and no question at all, is refused."""
    assert (await backend("GET", "/v1/weights")).json["number"] == 0
    put = await backend("PUT", "/v1/weights", {"weights": {"events": 7, "paces": [1, 2, 1, 0.5]}})
    assert (put.status, put.json["number"]) == (200, 1)
    assert (await backend("PUT", "/v1/weights", {"back": True})).json == {"number": 0, "digest": "", "changed": True}
    for body in ({"weights": {"prior": "x"}}, {"weights": {"paces": [0, 0, 0, 0]}}, {}, {"weights": {}, "back": True}):
        assert (await backend("PUT", "/v1/weights", body)).json["code"] == "bad_weights"


async def test_preview_as_anyone(backend: Client, service: FakeService) -> None:
    """A person by id or somebody made up, a place, an instant in words; the answer is explained."""
    body = {"slot": "home", "person": "ana", "at": "2026-12-24T18:00:00Z", "context": {"lat": 1, "lon": 2}, "limit": 99}
    got = (await backend("POST", "/v1/preview", body)).json
    assert (got["considered"], got["would"]) == (2, ["p2"])
    assert service.previewed["key"] == "user:ana"
    assert (service.previewed["at"], service.previewed["limit"]) == (1_798_135_200_000, 50)
    for at in ("soon", -1, 10**18, 10**30, "9999-12-31T23:59:59Z"):
        assert (await backend("POST", "/v1/preview", {"slot": "home", "at": at})).json["code"] == "bad_at"


@pytest.mark.crash
def test_micromoments_off_stops_a_running_server_within_a_second(tmp_path: Path) -> None:
    """By the command alone, without the keys at hand, for a slot and for all; ``on`` brings it back."""
    keys = {"MICROMOMENTS_WRITE_KEY": WRITE_KEY, "MICROMOMENTS_SECRET_KEY": SECRET_KEY}
    with server(tmp_path / "shop", "--port", "0", **keys) as process:
        address, _ = address_of(process)
        headers = {"authorization": f"Bearer {SECRET_KEY}"}
        item = b'[{"id": "p1", "kind": "product", "title": "Shoe"}]'
        urlopen(Request(f"{address}/v1/items", item, headers, method="PUT"))

        def served(slot: str) -> int:
            body = json.dumps({"userId": "ana", "slot": slot}).encode()
            return len(json.load(urlopen(Request(f"{address}/v1/decide", body, headers)))["items"])

        def command(*arguments: str) -> str:
            words = [sys.executable, "-m", "micromoments", *arguments, "--folder", str(tmp_path / "shop")]
            clean = {name: value for name, value in os.environ.items() if not name.startswith("MICROMOMENTS_")}
            return subprocess.run(words, env=clean, capture_output=True, text=True, check=True).stdout.strip()

        assert (served("home"), served("push")) == (1, 1)
        assert command("off", "home") == "home"
        assert (served("home"), served("push")) == (0, 1)
        assert command("off") == "every slot home"
        assert served("push") == 0
        assert command("on") == "nothing"
        assert (served("home"), served("push")) == (1, 1)


@pytest.mark.crash
def test_a_log_is_learned_through_the_server_that_serves(tmp_path: Path) -> None:
    """``policy warm`` and ``policy list`` ask the process that has the folder open, which then decides by the log."""
    log = tmp_path / "log.jsonl"
    log.write_text("\n".join(dsjson(n) for n in range(20)), encoding="utf-8")
    keys = {"MICROMOMENTS_WRITE_KEY": WRITE_KEY, "MICROMOMENTS_SECRET_KEY": SECRET_KEY}
    with server(tmp_path / "shop", "--port", "0", **keys) as process:
        address_of(process)

        def policy(*arguments: str) -> str:
            words = [sys.executable, "-m", "micromoments", "policy", *arguments]
            clean = {name: value for name, value in os.environ.items() if not name.startswith("MICROMOMENTS_")}
            return subprocess.run(words, env=clean, capture_output=True, text=True, check=True).stdout

        shop = str(tmp_path / "shop")
        told = json.loads(policy("warm", shop, "personalizer", "--log", str(log), "--format", "json"))
        assert (told["policy"], told["version"], told["set_aside"]) == ("personalizer:adaptive", 20, 0)
        (listed,) = json.loads(policy("list", shop, "--format", "json"))
        assert (listed["policy"], listed["version"]) == ("personalizer:adaptive", 20)


async def test_unfair_items_are_refused_at_the_door(backend: Client) -> None:
    """A personal base price and an offer by a protected trait are named, the others are put."""
    items = [
        {"id": "a", "kind": "product", "title": "A", "price": [1, "EUR"], "attributes": {"personalised": True}},
        {"id": "b", "kind": "offer", "title": "B", "condition": {"gender": "f"}},
        {"id": "c", "kind": "offer", "title": "C", "condition": {"plan": "gold"}},
    ]
    got = (await backend("PUT", "/v1/items", items)).json
    assert (got["accepted"], [r["code"] for r in got["rejected"]]) == (1, ["personal_price", "protected_trait"])
