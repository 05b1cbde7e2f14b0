"""``micromoments rehearse`` over a folder."""

from __future__ import annotations

from pathlib import Path

import micromoments as mm
from micromoments.cli.rehearse import traffic
from micromoments.core.settings import Settings


def test_who_only_asks_for_decisions_is_traffic_too(tmp_path: Path) -> None:
    """A business that asks for decisions and sends orders, and no views, rehearses on all whom it decided for."""
    with mm.open(tmp_path / "shop", Settings(consent=("measure", "personalise"))) as engine:
        engine.catalog.put([mm.Item(id="p", kind="product", title="Shoe")])
        for n in range(30):
            engine.decide(f"u{n}", slot="home")
            if n % 3 == 0:
                engine.track(f"u{n}", "Order Completed", {"revenue": 10})
    seen = traffic(tmp_path / "shop", "order", 28, "people")
    assert (seen.people, int((seen.grew > 0).sum())) == (30, 10)
