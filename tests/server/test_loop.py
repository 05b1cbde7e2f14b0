"""Azure Personalizer's administration over the real engine: settings, policy and model of the loop."""

from __future__ import annotations

from pathlib import Path

import pytest

from micromoments.config import parse, with_slot
from micromoments.engine.service import Service, now_ms
from micromoments.server.app import App
from micromoments.server.keys import Keys
from tests.server.asgi import SECRET_KEY, WRITE_KEY, Client

BASE = "/personalizer/v1.1-preview.3"
FILE = """# Ours.
name = "shop"

[slots.personalizer]  # the loop
floor = 0.2  # explore a lot
mode = "ramp"
ramp = 0.5
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with a file of settings."""
    (tmp_path / "micromoments.toml").write_text(FILE, encoding="utf-8")
    return tmp_path


async def taught(azure: Client, engine: Service, times: int) -> None:
    """Rank and reward so many times."""
    start = engine.learned.version("personalizer:adaptive")
    for n in range(times):
        event = f"e{start + n}"
        await azure("POST", f"{BASE}/rank", {"actions": [{"id": "a"}, {"id": "b"}], "eventId": event})
        await azure("POST", f"{BASE}/events/{event}/reward", {"value": 1.0})
    await engine.settled()


async def test_the_configuration_is_the_slots(azure: Client, engine: Service, tmp_path: Path) -> None:
    """PUT writes window, floor and mode into the file, keeps its comments, is in force, and one call goes back."""
    told = (await azure("GET", f"{BASE}/configurations/service")).json
    assert told["rewardWaitTime"] == "PT30M"
    assert (told["explorationPercentage"], told["learningMode"]) == (0.2, "Online")
    assert (await azure("PUT", f"{BASE}/configurations/service", told)).json == told
    assert engine.settings.slot("personalizer").mode == "ramp", "sent back as told, nothing changes"
    changed = {**told, "rewardWaitTime": "PT1H30M", "explorationPercentage": 0.1, "learningMode": "Apprentice"}
    answer = await azure("PUT", f"{BASE}/configurations/service", changed)
    assert (answer.status, answer.json) == (200, changed)
    slot = parse((tmp_path / "micromoments.toml").read_text(encoding="utf-8")).slot("personalizer")
    assert (slot.window_minutes, slot.floor, slot.mode, slot.ramp) == (90.0, 0.1, "shadow", 0.5)
    assert "# Ours." in (tmp_path / "micromoments.toml").read_text(encoding="utf-8")
    assert engine.settings.slot("personalizer") == slot
    await engine.control.rollback()
    assert engine.settings.slot("personalizer").mode == "ramp"


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ({"defaultReward": 0.5}, "InvalidServiceConfiguration"),
        ({"rewardAggregation": "sum"}, "InvalidServiceConfiguration"),
        ({"explorationPercentage": 1.5}, "InvalidServiceConfiguration"),
        ({"learningMode": "Other"}, "InvalidServiceConfiguration"),
        ({"learningMode": 3}, "InvalidServiceConfiguration"),
        ({"rewardWaitTime": "PT1S"}, "InvalidRewardWaitTime"),
        ({"rewardWaitTime": "soon"}, "InvalidRewardWaitTime"),
    ],
)
async def test_what_cannot_be_had_is_refused(azure: Client, tmp_path: Path, part: dict[str, object], code: str) -> None:
    """A configuration that this server can't follow is a 400 in the service's words, and the file stays."""
    answer = await azure("PUT", f"{BASE}/configurations/service", part)
    assert (answer.status, answer.json["error"]["code"]) == (400, code)
    assert (tmp_path / "micromoments.toml").read_text(encoding="utf-8") == FILE


async def test_a_file_that_is_not_in_force_is_left_alone(azure: Client, tmp_path: Path) -> None:
    """Edited and not reloaded, the file is not overwritten: 409, and what to do."""
    (tmp_path / "micromoments.toml").write_text(FILE.replace("0.2", "0.3"), encoding="utf-8")
    answer = await azure("PUT", f"{BASE}/configurations/service", {"explorationPercentage": 0.1})
    assert (answer.status, answer.json["error"]["code"]) == (409, "UpdateConfigurationFailed")
    assert "reload" in answer.json["error"]["message"]


async def test_the_policy_is_ours_by_name(azure: Client, engine: Service) -> None:
    """Another learning policy by its name; Vowpal Wabbit's arguments are refused; DELETE is the default."""
    put = await azure("PUT", f"{BASE}/configurations/policy", {"name": "squarecb", "arguments": ""})
    assert (put.status, put.json) == (200, {"name": "squarecb", "arguments": ""})
    assert engine.settings.slot("personalizer").policy == "squarecb"
    foreign = {"name": "app1/settings", "arguments": "--cb_explore_adf --epsilon 0.2"}
    refused = await azure("PUT", f"{BASE}/configurations/policy", foreign)
    assert (refused.status, refused.json["error"]["code"]) == (400, "InvalidPolicyConfiguration")
    assert (await azure("DELETE", f"{BASE}/configurations/policy")).json["name"] == "adaptive"


async def test_a_model_goes_out_and_in(azure: Client, engine: Service) -> None:
    """What GET gave is in force again after PUT; DELETE starts from nothing; other bytes are a 400."""
    await taught(azure, engine, 3)
    model = (await azure("GET", f"{BASE}/model")).body
    await taught(azure, engine, 2)
    assert (await azure("GET", f"{BASE}/model/properties")).json["version"] == 5
    assert (await azure("PUT", f"{BASE}/model", model)).status == 204
    assert (await azure("GET", f"{BASE}/model/properties")).json["version"] == 3
    assert (await azure("DELETE", f"{BASE}/model")).status == 204
    assert (await azure("GET", f"{BASE}/model/properties")).json["version"] == 0
    wrong = await azure("PUT", f"{BASE}/model", b"no model")
    assert (wrong.status, wrong.json["error"]["code"]) == (400, "InvalidModelImportFormat")
    await engine.learned.put("personalizer:adaptive", model)
    assert engine.learned.version("personalizer:adaptive") == 3


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "evaluations", 403, "OperationNotAllowed"),
        ("GET", "evaluations/one", 404, "EvaluationNotFound"),
        ("DELETE", "evaluations/one", 404, "EvaluationNotFound"),
        ("POST", "configurations/applyFromEvaluation", 404, "EvaluationNotFound"),
        ("DELETE", "logs", 403, "OperationNotAllowed"),
        ("GET", "logs/properties", 404, "LogsPropertiesNotFound"),
        ("GET", "featureimportances", 403, "OperationNotAllowed"),
    ],
)
async def test_what_is_elsewhere_is_named(azure: Client, method: str, path: str, status: int, code: str) -> None:
    """What the service did and another door does here says which."""
    answer = await azure(method, f"{BASE}/{path}")
    assert (answer.status, answer.json["error"]["code"]) == (status, code)
    assert len(answer.json["error"]["message"]) > 60


async def test_every_door_wants_the_secret_key(engine: Service) -> None:
    """Without it: 401 or 403, in the service's shape."""
    anyone = Client(App(engine, Keys([WRITE_KEY], [SECRET_KEY], clock=now_ms)), f"Bearer {WRITE_KEY}")
    for method, path in (("GET", "model"), ("PUT", "configurations/service"), ("DELETE", "logs"), ("GET", "status")):
        answer = await anyone(method, f"{BASE}/{path}", {} if method == "PUT" else None)
        assert answer.status in (401, 403)
        assert answer.json["error"]["code"]


async def test_evaluations_and_status_are_told(azure: Client) -> None:
    """The list of evaluations is empty, and the service says that it serves."""
    assert (await azure("GET", f"{BASE}/evaluations")).json == []
    assert (await azure("GET", f"{BASE}/status")).json["apiStatus"] == "Valid"


def test_a_slot_is_edited_in_place() -> None:
    """A value is replaced or added in its table, the rest stays; a table that is missing is added."""
    text = 'a = 1\n[slots.home]\nfloor = 0.5\n# end\n[slots."x.y"]\nfloor = 0.5\n'
    edited = with_slot(text, "home", {"floor": 0.1, "mode": "live"})
    assert edited == 'a = 1\n[slots.home]\nmode = "live"\nfloor = 0.1\n# end\n[slots."x.y"]\nfloor = 0.5\n'
    assert with_slot("", "home", {"floor": 0.1}) == "[slots.home]\nfloor = 0.1\n"
    assert with_slot("a = 1\n", "home", {"floor": 0.1}) == "a = 1\n\n[slots.home]\nfloor = 0.1\n"
