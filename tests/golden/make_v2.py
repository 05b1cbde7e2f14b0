"""Wrote ``v2/person-packed.bin``: a person large enough to be packed. Kept to show how; never run it again."""

from __future__ import annotations

from pathlib import Path

from micromoments.core.moment import Need, Signal, Trace
from micromoments.core.person import Part, Person
from micromoments.stores.embedded import codec


def person() -> Person:
    """Twenty-four searches by one device."""
    traces = tuple(
        Trace(
            1_780_000_000_000 + n,
            n,
            Signal((10, -20, 0, 160, -25), "search", Need(query=f"waterproof trail running shoe {n}")),
            "web",
        )
        for n in range(24)
    )
    part = Part(traces=traces, counts={"search": 24}, first=traces[0].at, last=traces[-1].at, total=24)
    return Person(id="anon:packed", surrogate=7, parts={"anon:packed": part}, first=traces[0].at, last=traces[-1].at)


if __name__ == "__main__":
    Path(__file__).with_name("v2").joinpath("person-packed.bin").write_bytes(codec.encode(person()))
