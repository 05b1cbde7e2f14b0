"""The shop's server: ``python -m micromoments.demo.shop --folder F --engine URL --port P``.

Payments are the sandbox's, unless ``MICROMOMENTS_STRIPE_KEY`` holds a secret key of Stripe's, such as a test one.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from micromoments.demo.fulfil import Payments, Sandbox, Store, StripePayments, web
from micromoments.demo.shop.app import Shop
from micromoments.demo.shop.trade import Trade


def main() -> None:
    """Serve until SIGTERM."""
    said = argparse.ArgumentParser(prog="micromoments.demo.shop")
    said.add_argument("--folder", type=Path, required=True)
    said.add_argument("--engine", required=True)
    said.add_argument("--port", type=int, required=True)
    said.add_argument("--timezone", default="UTC")
    said.add_argument("--seed", type=int, default=1)
    said.add_argument("--speed", type=float, default=1.0, help="how many times slower the carrier is; 0: at once")
    args = said.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    stripe = os.environ.get("MICROMOMENTS_STRIPE_KEY", "")
    url = os.environ.get("MICROMOMENTS_STRIPE_URL", "")
    payments: Payments = StripePayments(stripe, url) if stripe else Sandbox(args.folder / "bank.sqlite")
    trade = Trade(Store(args.folder / "shop.sqlite"), payments, speed=args.speed)
    web.serve(Shop(trade, args.engine, os.environ.get("MICROMOMENTS_SECRET_KEY", "")).app(), args.port)


if __name__ == "__main__":
    main()
