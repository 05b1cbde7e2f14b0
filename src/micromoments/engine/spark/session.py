"""A Spark session for one command; PySpark is an extra, imported when asked for."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from micromoments.ports import StoreError

HERE: Final = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": str(max(4, 2 * (os.cpu_count() or 1))),
}
"""How Spark runs on one machine: on the loopback alone, with as many parts as its cores can use."""


@contextmanager
def running(master: str = "") -> Iterator[Any]:
    """A Spark session: the one that there is, else a new one at ``master`` (empty: what ``spark-submit`` says, else
    every core of this machine), which is ended afterwards.

    Raises:
        StoreError: PySpark or Java isn't installed.
    """
    try:
        import sqlglot  # noqa: F401 - reports are written for Spark by it
        from pyspark.sql import SparkSession
    except ImportError:
        raise StoreError("PySpark or sqlglot isn't installed; pip install 'micromoments[spark]'") from None
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        raise StoreError("got no java on the PATH and no JAVA_HOME; wanted Java 17 or newer, which Spark runs on")
    found = SparkSession.getActiveSession()
    if found is not None:
        yield found
        return
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ  # spark-submit started us, with a master of its own
    master = master or ("" if submitted else "local[*]")
    builder = SparkSession.builder.appName("micromoments").config("spark.ui.showConsoleProgress", "false")
    if master:
        builder = builder.master(master)
    if master.startswith("local"):
        for name, value in HERE.items():
            builder = builder.config(name, value)
    made = builder.getOrCreate()
    made.sparkContext.setLogLevel("ERROR")
    try:
        yield made
    finally:
        made.stop()
