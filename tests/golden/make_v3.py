"""Wrote ``v3``: a delivery of the outbox, and a frame of deliveries' facts. Kept to show how; never run it again."""

from __future__ import annotations

from pathlib import Path

from micromoments.core.delivery import Delivery
from micromoments.core.fact import DeliveryFact
from micromoments.stores.embedded import codec

HERE = Path(__file__).with_name("v3")


def delivery() -> Delivery:
    """One that waits for its second try."""
    return Delivery(
        id="dlv_00aa",
        trigger="hello",
        person="user:ana",
        surrogate=7,
        moment="m1",
        at=1_780_000_000_000,
        due=1_780_000_004_000,
        until=1_780_086_400_000,
        destination="mail",
        status="waiting",
        channel="email",
        decision="trg_00bb",
        item="p1",
        title="Trail shoes",
        text="Back in stock",
        data=b'{"type":"moment.opened"}',
        address={"email": "ana@example.com"},
        tries=1,
        since=1_780_000_001_000,
        detail="503",
        marks=8,
    )


def fact() -> DeliveryFact:
    """How it ended."""
    return DeliveryFact(
        id="dlv_00aa",
        version=1_780_000_005_000,
        received_at=1_780_000_005_000,
        at=1_780_000_000_000,
        due_at=1_780_000_001_000,
        surrogate=7,
        trigger="hello",
        destination="mail",
        channel="email",
        status="sent",
        tries=2,
        detail="204",
        decision="trg_00bb",
        item="p1",
        moment="m1",
        marks=8,
    )


if __name__ == "__main__":
    HERE.mkdir()
    (HERE / "delivery.bin").write_bytes(codec.encode(delivery()))
    (HERE / "facts-deliveries.bin").write_bytes(codec.encode_facts([fact()]))
