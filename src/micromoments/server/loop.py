"""The rest of Azure Personalizer's API: settings, learning settings and model of a loop; for others, what to use here.

A loop is the slot ``personalizer``. The reward's wait is the slot's window, the exploration its floor, the learning
mode its mode (Online live, Apprentice shadow, LoggingOnly observe), the learning settings its policy, the model the
policy's state. A change is written into ``micromoments.toml`` and put in force, as if it had been edited and reloaded,
so that the version before is one call away.
Source: the service's REST reference, v1.1-preview.3 and 2022-09-01-preview.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from micromoments.core.settings import Mode, Slot
from micromoments.flow.rank import acting
from micromoments.policy.actions import SLOT
from micromoments.policy.registry import LEARNERS
from micromoments.server.foreign import Routes, in_words
from micromoments.server.http import Call, Reply, reply
from micromoments.server.personalizer import BASE, Personalizer, said
from micromoments.server.problem import Problem
from micromoments.server.service import Service
from micromoments.sources.lenient import Rejected, decode

MAX_BODY = 64 * 1024
MAX_MODEL = 32 * 1024 * 1024
MODES: dict[str, Mode] = {"Online": "live", "Apprentice": "shadow", "LoggingOnly": "observe"}
FIRST = "earliest"
"""The aggregation of several rewards for one event: the first counts."""
WAITS = (5 / 60, 2 * 24 * 60)
"""How long a reward may be waited for, minutes: the service's 5 seconds to 2 days."""
INSTEAD = {
    "evaluations": "`micromoments backtest policy --log FILE --target NAME` on a log, or GET /v1/policies/guards",
    "apply": "`micromoments policy warm personalizer --log FILE`, which judges a log's lesson before it is in force",
    "logs": "`micromoments export` for a person, `erase` to remove one, and retention in micromoments.toml for all",
    "importances": "GET /v1/policies/compare, which tells what features are worth",
}
_SPAN = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


class Configuration(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What a client sends of the service's configuration; what it leaves out stays as it is."""

    reward_wait_time: str | None = None
    default_reward: float | None = None
    reward_aggregation: str | None = None
    exploration_percentage: float | None = None
    learning_mode: str | None = None


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Learning settings: the name of a policy, and arguments, of which ours take none."""

    name: str
    arguments: str = ""


class Loop:
    """The doors, for the secret key, beside those of ranks."""

    def __init__(self, service: Service, one: Personalizer) -> None:
        self._service, self._one = service, one

    def routes(self) -> Routes:
        """The doors."""
        there = {
            "status": {"GET": self.status},
            "configurations/service": {"GET": self.configuration, "PUT": self.configure},
            "configurations/policy": {"GET": self.policy, "PUT": self.set_policy, "DELETE": self.reset_policy},
            "configurations/applyFromEvaluation": {"POST": self.apply},
            "model": {"GET": self.model, "PUT": self.put_model, "DELETE": self.reset_model},
            "model/properties": {"GET": self.properties},
            "evaluations": {"GET": self.evaluations, "POST": self.evaluate},
            "evaluations/*": {"GET": self.evaluation, "DELETE": self.evaluation},
            "logs": {"DELETE": self.logs},
            "logs/properties": {"GET": self.log_properties},
            "logs/interactions": {"POST": self.logs},
            "logs/observations": {"POST": self.logs},
            "featureimportances": {"GET": self.importances, "POST": self.importances},
        }
        return {
            f"{BASE}/{path}": {method: in_words(door, said) for method, door in doors.items()}
            for path, doors in there.items()
        }

    @property
    def _slot(self) -> Slot:
        return self._service.settings.slot(SLOT)

    @property
    def _policy(self) -> str:
        return f"{SLOT}:{acting(self._slot.policy)}"

    async def status(self, call: Call) -> Reply:
        """Whether it serves."""
        self._one.access(call)
        return reply({"service": "personalizer", "apiStatus": "Valid", "apiStatusMessage": "Api Key is valid"})

    async def configuration(self, call: Call) -> Reply:
        """What is in force."""
        self._one.access(call)
        return reply(self._configured())

    async def configure(self, call: Call) -> Reply:
        """Put another wait, exploration or mode in force; durable, and in the file, when this is answered."""
        self._one.access(call)
        try:
            asked = msgspec.convert(decode(await call.body(MAX_BODY)), Configuration)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            words = error.detail.removeprefix("got ") if isinstance(error, Rejected) else str(error)
            raise Problem(400, "InvalidServiceConfiguration", words[:200], "a service configuration") from None
        told = self._configured()
        same = {"window_minutes": asked.reward_wait_time == told["rewardWaitTime"]}
        # A mode that the service hadn't is told as one that it had: sent back, it stays what it is.
        same |= {
            "mode": asked.learning_mode == told["learningMode"],
            "floor": self._slot.floor == _values(asked).get("floor"),
        }
        await self._change({name: value for name, value in _values(asked).items() if not same[name]})
        return reply(self._configured())

    async def policy(self, call: Call) -> Reply:
        """The policy that learns."""
        self._one.access(call)
        return reply({"name": acting(self._slot.policy), "arguments": ""})

    async def set_policy(self, call: Call) -> Reply:
        """Let another policy of ours learn, by its name; the one before keeps what it learned."""
        self._one.access(call)
        try:
            asked = msgspec.convert(decode(await call.body(MAX_BODY)), Settings)
        except (msgspec.DecodeError, ValueError, RecursionError):
            raise Problem(400, "InvalidPolicyContract", "no learning settings", '{"name", "arguments"}') from None
        names = [kind.name for kind in LEARNERS]
        if asked.name not in names or asked.arguments.strip():
            got = f"learning settings {asked.name[:60]!r} with {len(asked.arguments)} characters of arguments"
            wanted = f"the name of one of ours and no arguments: {', '.join(names)}"
            raise Problem(400, "InvalidPolicyConfiguration", got, wanted)
        return await self._use(asked.name)

    async def reset_policy(self, call: Call) -> Reply:
        """Back to the default policy."""
        self._one.access(call)
        return await self._use(Slot().policy)

    async def model(self, call: Call) -> Reply:
        """The policy's state, as PUT takes it."""
        self._one.access(call)
        body = self._service.learned.state(self._policy)
        return Reply(200, body, b"application/octet-stream", [(b"cache-control", b"no-store")])

    async def put_model(self, call: Call) -> Reply:
        """Put a state of the same policy in force; what was in force is kept."""
        self._one.access(call)
        try:
            await self._service.learned.put(self._policy, await call.body(MAX_MODEL))
        except ValueError as error:
            wanted = "a model that GET gave here, of the policy in force"
            raise Problem(400, "InvalidModelImportFormat", str(error)[:200].removeprefix("got "), wanted) from None
        return Reply(204)

    async def reset_model(self, call: Call) -> Reply:
        """Forget what the policy learned; what was in force is kept, for `micromoments policy rollback`."""
        self._one.access(call)
        await self._service.learned.reset(self._policy)
        return Reply(204)

    async def properties(self, call: Call) -> Reply:
        """How many outcomes the model learned. It changes with each, so that no time of its making is told."""
        self._one.access(call)
        return reply({"policy": self._policy, "version": self._service.learned.version(self._policy)})

    async def evaluations(self, call: Call) -> Reply:
        """None are kept here."""
        self._one.access(call)
        return Reply(200, b"[]", b"application/json", [])

    async def evaluate(self, call: Call) -> Reply:
        """Not by this door."""
        raise self._instead(call, "OperationNotAllowed", "evaluations")

    async def evaluation(self, call: Call) -> Reply:
        """None has this name."""
        raise self._instead(call, "EvaluationNotFound", "evaluations", 404)

    async def apply(self, call: Call) -> Reply:
        """Not by this door."""
        raise self._instead(call, "EvaluationNotFound", "apply", 404)

    async def logs(self, call: Call) -> Reply:
        """Not by this door."""
        raise self._instead(call, "OperationNotAllowed", "logs")

    async def log_properties(self, call: Call) -> Reply:
        """Not by this door."""
        raise self._instead(call, "LogsPropertiesNotFound", "logs", 404)

    async def importances(self, call: Call) -> Reply:
        """Not by this door."""
        raise self._instead(call, "OperationNotAllowed", "importances")

    def _instead(self, call: Call, code: str, what: str, status: int = 403) -> Problem:
        """What to do where the service would have done it."""
        self._one.access(call)
        return Problem(status, code, "what this server does by another door", INSTEAD[what])

    def _configured(self) -> dict[str, Any]:
        slot, modes = self._slot, {mode: name for name, mode in MODES.items()}
        return {
            "rewardWaitTime": _span(slot.window_minutes),
            "defaultReward": 0.0,
            "rewardAggregation": FIRST,
            "explorationPercentage": slot.floor,
            "modelExportFrequency": "PT1S",
            "logMirrorEnabled": False,
            "logMirrorSasUri": "",
            "logRetentionDays": int(self._service.settings.retention.log_days),
            # Off and ramp are modes that the service hadn't: it serves the first action to some or all.
            "learningMode": modes.get(slot.mode, "Apprentice" if slot.mode == "off" else "Online"),
            "isAutoOptimizationEnabled": False,
        }

    async def _use(self, policy: str) -> Reply:
        if acting(self._slot.policy) != policy:
            await self._change({"policy": policy})
        return reply({"name": acting(self._slot.policy), "arguments": ""})

    async def _change(self, values: dict[str, str | float | bool]) -> None:
        if not values:
            return
        try:
            await self._service.control.set_slot(SLOT, values)
        except ValueError as error:
            wanted = f"[slots.{SLOT}] in micromoments.toml to be edited by hand, then POST /v1/config/reload"
            raise Problem(409, "UpdateConfigurationFailed", str(error)[:300].removeprefix("got "), wanted) from None


def _values(asked: Configuration) -> dict[str, str | float | bool]:
    """The slot's values of a configuration.

    Raises:
        Problem: ``InvalidServiceConfiguration``, with what can't be had here.
    """
    out: dict[str, str | float | bool] = {}
    if asked.reward_wait_time is not None:
        out["window_minutes"] = _minutes(asked.reward_wait_time)
    if asked.default_reward not in (None, 0.0):
        raise _invalid(f"defaultReward {asked.default_reward}", "0: what brings no reward counts as 0")
    if asked.reward_aggregation not in (None, FIRST):
        raise _invalid(
            f"rewardAggregation {asked.reward_aggregation[:40]!r}", f"{FIRST}: an event's first reward counts"
        )
    if asked.exploration_percentage is not None:
        if not 0.0 <= asked.exploration_percentage <= 1.0:
            raise _invalid(f"explorationPercentage {asked.exploration_percentage}", "a share from 0 to 1")
        out["floor"] = asked.exploration_percentage
    if asked.learning_mode is not None:
        if asked.learning_mode not in MODES:
            raise _invalid(f"learningMode {asked.learning_mode[:40]!r}", " or ".join(MODES))
        out["mode"] = MODES[asked.learning_mode]
    return out


def _invalid(got: str, wanted: str) -> Problem:
    return Problem(400, "InvalidServiceConfiguration", got, wanted)


def _minutes(span: str) -> float:
    """An ISO 8601 duration in minutes.

    Raises:
        Problem: it is none, or longer or shorter than the service allowed.
    """
    found = _SPAN.fullmatch(span)
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups()) if found else (0.0,) * 4
    whole = days * 1440 + hours * 60 + minutes + seconds / 60
    if not WAITS[0] <= whole <= WAITS[1]:
        raise Problem(400, "InvalidRewardWaitTime", f"rewardWaitTime {span[:40]!r}", "PT5S to P2D, such as PT30M")
    return whole


def _span(minutes: float) -> str:
    """Minutes as an ISO 8601 duration."""
    seconds = round(minutes * 60)
    hours, rest = divmod(seconds, 3600)
    parts = [(hours, "H"), (rest // 60, "M"), (rest % 60, "S")]
    return "PT" + ("".join(f"{many}{unit}" for many, unit in parts if many) or "0S")
