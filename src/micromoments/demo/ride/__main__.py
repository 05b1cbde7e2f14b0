"""The ride service's server: ``python -m micromoments.demo.ride --folder F --engine URL --port P``.

Payments are the sandbox's, unless ``MICROMOMENTS_STRIPE_KEY`` holds a secret key of Stripe's, such as a test one.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import micromoments as mm
from micromoments.demo.fulfil import Payments, Sandbox, Store, StripePayments, web
from micromoments.demo.ride.app import Ride
from micromoments.demo.ride.dispatch import OFFERED
from micromoments.demo.ride.fleet import Fleet
from micromoments.demo.ride.rides import Rides
from micromoments.demo.ride.roads import Roads


def main() -> None:
    """Serve until SIGTERM."""
    said = argparse.ArgumentParser(prog="micromoments.demo.ride")
    said.add_argument("--folder", type=Path, required=True)
    said.add_argument("--engine", required=True)
    said.add_argument("--port", type=int, required=True)
    said.add_argument("--timezone", default="UTC")
    said.add_argument("--seed", type=int, default=1)
    said.add_argument("--drivers", type=int, default=240, help="simulated drivers")
    said.add_argument("--rides", type=int, default=12, help="simulated rides kept under way")
    said.add_argument("--answer", type=float, default=OFFERED / 1000, help="seconds a driver has to take an offer")
    args = said.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    stripe = os.environ.get("MICROMOMENTS_STRIPE_KEY", "")
    url = os.environ.get("MICROMOMENTS_STRIPE_URL", "")
    payments: Payments = StripePayments(stripe, url) if stripe else Sandbox(args.folder / "bank.sqlite")
    plan = mm.World(1, 1, args.timezone).city.plan
    fleet = Fleet(Roads(plan), args.drivers, args.seed)
    rides = Rides(Store(args.folder / "ride.sqlite"), payments, fleet, args.timezone)
    key = os.environ.get("MICROMOMENTS_SECRET_KEY", "")
    ride = Ride(rides, plan, args.engine, key, args.rides, args.seed, int(args.answer * 1000))
    web.serve(ride.app(), args.port)


if __name__ == "__main__":
    main()
