"""How an experience's server is started: ``python -m micromoments.demo.NAME --folder F --engine URL --port P``.

Payments are the sandbox's, unless ``MICROMOMENTS_STRIPE_KEY`` holds a secret key of Stripe's, such as a test one.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from micromoments.demo.fulfil import Payments, Sandbox, Store, StripePayments, web
from micromoments.demo.shell.app import Experience

Make = Callable[[argparse.Namespace, Store, Payments, tuple[str, str]], Experience]
"""An experience of what the command said, its store, its payments, and the engine's address and key."""


def run(name: str, make: Make, *more: tuple[str, type, object, str]) -> None:
    """Serve until SIGTERM. ``more`` are an experience's own options: name, type, default, help."""
    said = argparse.ArgumentParser(prog=f"micromoments.demo.{name}")
    said.add_argument("--folder", type=Path, required=True)
    said.add_argument("--engine", required=True)
    said.add_argument("--port", type=int, required=True)
    said.add_argument("--timezone", default="UTC")
    said.add_argument("--seed", type=int, default=1)
    for option, kind, default, words in more:
        said.add_argument(f"--{option}", type=kind, default=default, help=words)
    args = said.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    stripe = os.environ.get("MICROMOMENTS_STRIPE_KEY", "")
    url = os.environ.get("MICROMOMENTS_STRIPE_URL", "")
    payments: Payments = StripePayments(stripe, url) if stripe else Sandbox(args.folder / "bank.sqlite")
    engine = args.engine, os.environ.get("MICROMOMENTS_SECRET_KEY", "")
    web.serve(make(args, Store(args.folder / f"{name}.sqlite"), payments, engine).app(), args.port)
