"""The coffee chain's server: ``python -m micromoments.demo.coffee --folder F --engine URL --port P``.

Payments are the sandbox's, unless ``MICROMOMENTS_STRIPE_KEY`` holds a secret key of Stripe's, such as a test one.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from micromoments.demo.coffee.app import Coffee
from micromoments.demo.coffee.shop import Shop
from micromoments.demo.coffee.town import Town
from micromoments.demo.fulfil import Payments, Sandbox, Store, StripePayments, web


def main() -> None:
    """Serve until SIGTERM."""
    said = argparse.ArgumentParser(prog="micromoments.demo.coffee")
    said.add_argument("--folder", type=Path, required=True)
    said.add_argument("--engine", required=True)
    said.add_argument("--port", type=int, required=True)
    said.add_argument("--timezone", default="UTC")
    said.add_argument("--seed", type=int, default=1)
    args = said.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    stripe = os.environ.get("MICROMOMENTS_STRIPE_KEY", "")
    url = os.environ.get("MICROMOMENTS_STRIPE_URL", "")
    payments: Payments = StripePayments(stripe, url) if stripe else Sandbox(args.folder / "bank.sqlite")
    shop = Shop(Store(args.folder / "coffee.sqlite"), payments, Town(args.timezone))
    web.serve(Coffee(shop, args.engine, os.environ.get("MICROMOMENTS_SECRET_KEY", "")).app(), args.port)


if __name__ == "__main__":
    main()
