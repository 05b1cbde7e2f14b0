"""The ride service's server; see ``micromoments.demo.shell.command``."""

from __future__ import annotations

import argparse

import micromoments as mm
from micromoments.demo.fulfil import Payments, Store
from micromoments.demo.ride.app import Ride
from micromoments.demo.ride.dispatch import OFFERED
from micromoments.demo.ride.fleet import Fleet
from micromoments.demo.ride.rides import Rides
from micromoments.demo.ride.roads import Roads
from micromoments.demo.ride.trial import SLOTS
from micromoments.demo.shell import command


def make(args: argparse.Namespace, store: Store, payments: Payments, engine: tuple[str, str]) -> Ride:
    """The service in the demo's town."""
    plan = mm.World(1, 1, args.timezone).city.plan
    rides = Rides(store, payments, Fleet(Roads(plan), args.drivers, args.seed), args.timezone)
    if args.truth:
        with store.change() as tx:
            tx.keep(
                "world", "truth", {slot: float(n) for slot, n in zip(SLOTS, args.truth.split(","), strict=True) if n}
            )
    return Ride(rides, plan, engine, args.rides, args.seed, int(args.answer * 1000))


if __name__ == "__main__":
    command.run(
        "ride",
        make,
        ("drivers", int, 240, "simulated drivers"),
        ("rides", int, 12, "simulated rides kept under way"),
        ("answer", float, OFFERED / 1000, "seconds a driver has to take an offer"),
        (
            "truth",
            str,
            "",
            "what each slot is worth by the rules of the riders simulated before; comma between them, empty: unknown",
        ),
    )
