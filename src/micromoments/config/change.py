"""What may not change between two versions of the settings while an experiment runs.

Who is in which variant follows from the experiment's slot, weights, salt and coverage, and what the variants mean
follows from their policies and goal. If one of these changed in the middle, the people before and after would be
mixed, and the lift would be of nothing in particular.
"""

from __future__ import annotations

from micromoments.core.settings import Experiment, Settings

FIXED = ("slot", "variants", "policies", "goal", "salt", "coverage", "condition", "namespace", "switchback")


def silent_changes(old: Settings, new: Settings) -> list[str]:
    """Finds changes to running experiments.

    Args:
        old: the settings under which the project ran last.
        new: the settings that it is to run with now.

    Returns:
        One sentence a change that must be refused: got, wanted, what to do. An experiment that the new settings stop
        (``running = false``) may change; it starts afresh under another name.

    >>> running = Settings(experiments={"hero": Experiment(slot="home", variants={"a": 1.0, "b": 1.0})})
    >>> silent_changes(running, running)
    []
    """
    refused = []
    for name, before in old.experiments.items():
        if not before.running:
            continue
        after = new.experiments.get(name)
        if after is None:
            refused.append(
                f"experiments.{name}: got no such experiment, but it is running; wanted it kept or stopped; "
                "set running = false for as long as its report is wanted"
            )
        elif after.running:
            refused.extend(_changed(name, before, after))
    return refused


def _changed(name: str, before: Experiment, after: Experiment) -> list[str]:
    return [
        f"experiments.{name}.{key}: got {_value(name, after, key)!r}, but it runs with {_value(name, before, key)!r}; "
        "wanted no change while it runs; set running = false and start another one under a new name"
        for key in FIXED
        if _value(name, before, key) != _value(name, after, key)
    ]


def _value(name: str, experiment: Experiment, key: str) -> object:
    """What counts: an experiment without a salt is split by its name."""
    value: object = getattr(experiment, key)
    return name if key == "salt" and not value else value
