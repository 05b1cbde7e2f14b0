"""What probes and a scraper are answered by a process that serves nobody else."""

from __future__ import annotations

import time
import urllib.request

from micromoments.server.probes import STANDS_STILL, Probes


def test_what_it_counts_is_scraped_and_readiness_told() -> None:
    """Over a real socket: 503 until it is ready, then 200, and its counters as Prometheus reads them."""
    probes = Probes(lambda: {"records_applied_total": 7, "work_partitions": 2}, time.monotonic)
    assert probes.answer("/readyz")[0].startswith("503")
    close = probes.listen("127.0.0.1", 0)
    try:
        probes.ready = True
        at = f"http://127.0.0.1:{probes.port}"
        with urllib.request.urlopen(f"{at}/readyz", timeout=60) as reply:
            assert reply.read() == b'{"status": "ready"}'
        with urllib.request.urlopen(f"{at}/metrics", timeout=60) as reply:
            page = reply.read().decode()
    finally:
        close()
    assert "micromoments_records_applied_total 7.0" in page
    assert "micromoments_work_partitions 2.0" in page
    assert "micromoments_ready 1.0" in page
    assert probes.answer("/other")[0].startswith("404")


def test_a_loop_that_stands_still_is_not_healthy() -> None:
    """A process lives as long as its loop turns, whatever else of it answers."""
    turned = time.monotonic()
    probes = Probes(dict, lambda: turned)
    assert probes.answer("/healthz")[0].startswith("200")
    turned -= STANDS_STILL
    status, _, body = probes.answer("/healthz")
    assert status.startswith("503")
    assert b"start it anew" in body
