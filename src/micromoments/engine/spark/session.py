"""A Spark session for one command; PySpark is an extra, imported when asked for."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from micromoments.engine.spark.place import as_spark, bare, settings
from micromoments.ports import StoreError

HERE: Final = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": str(max(4, 2 * (os.cpu_count() or 1))),
}
"""How Spark runs on one machine: on the loopback alone, with as many parts as its cores can use."""
READERS: Final = {
    "s3a": "org.apache.hadoop.fs.s3a.S3AFileSystem",
    "gs": "com.google.cloud.hadoop.fs.gcs.GoogleHadoopFileSystem",
}
"""What reads a scheme, and isn't part of Spark."""


CONNECTOR: Final = "org.apache.hadoop:hadoop-aws"
"""What reads ``s3a://``: a package of Hadoop that Spark doesn't ship; its version must be that of Spark's Hadoop."""


@contextmanager
def running(master: str = "", places: Sequence[str] = ()) -> Iterator[Any]:
    """A Spark session: the one that there is, else a new one at ``master`` (empty: what ``spark-submit`` says, else
    every core of this machine), which is ended afterwards. ``places`` are what it will read and write.

    Raises:
        StoreError: PySpark or Java isn't installed, Spark doesn't start, or it can't read such a place.
    """
    try:
        import sqlglot  # noqa: F401 - reports are written for Spark by it
        from pyspark.errors import PySparkRuntimeError
        from pyspark.sql import SparkSession
    except ImportError:
        raise StoreError("PySpark or sqlglot isn't installed; pip install 'micromoments[spark]'") from None
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        raise StoreError("got no java on the PATH and no JAVA_HOME; wanted Java 17 or newer, which Spark runs on")
    found = SparkSession.getActiveSession()
    if found is not None:
        _reach(found, places)
        yield found
        return
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("micromoments")
    for name, value in _configured(master, places).items():
        builder = builder.config(name, value)
    try:
        made = builder.getOrCreate()
    except PySparkRuntimeError as error:
        raise StoreError(f"Spark does not start: {error}; see what it said above, mend that, retry") from None
    made.sparkContext.setLogLevel("ERROR")
    try:
        _reach(made, places)
        yield made
    finally:
        made.stop()


def _configured(master: str, places: Sequence[str]) -> dict[str, str]:
    """How a new session is set up: where, and with what to reach these places."""
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ  # spark-submit started us, with a master of its own
    master = master or ("" if submitted else "local[*]")
    found = {"spark.ui.showConsoleProgress": "false", **settings(places)}
    if master:
        found["spark.master"] = master
    if master.startswith("local"):
        found |= HERE
    given = {"PYSPARK_GATEWAY_PORT", "PYSPARK_SUBMIT_ARGS", "SPARK_HOME", "SPARK_CONF_DIR"} & os.environ.keys()
    if not given and _s3(places) and (version := _hadoop()):
        found["spark.jars.packages"] = f"{CONNECTOR}:{version}"
    return found


def _s3(places: Sequence[str]) -> bool:
    return any(as_spark(place).startswith("s3a://") for place in places)


def _hadoop() -> str:
    """The version of Hadoop in the PySpark that is installed; empty where it has what reads S3, or isn't known."""
    import pyspark

    jars = Path(pyspark.__file__).with_name("jars")
    (client,) = [*jars.glob("hadoop-client-api-*.jar"), jars][:1]
    brought = any(jars.glob("hadoop-aws-*.jar"))
    return "" if brought or client == jars else client.stem.removeprefix("hadoop-client-api-")


def _reach(session: Any, places: Sequence[str]) -> None:
    """See that Spark can read such places, and tell it how.

    Raises:
        StoreError: it has nothing that reads them.
    """
    hadoop = session.sparkContext._jsc.hadoopConfiguration()
    for name, value in settings(places).items():
        hadoop.set(name.removeprefix("spark.hadoop."), value)
    for place in places:
        scheme = as_spark(place).partition("://")[0]
        if scheme in READERS and hadoop.getClassByNameOrNull(hadoop.get(f"fs.{scheme}.impl", READERS[scheme])) is None:
            package = f"{CONNECTOR}:{session.sparkContext._jvm.org.apache.hadoop.util.VersionInfo.getVersion()}"
            todo = f"give spark-submit --packages {package}" if scheme == "s3a" else "give Spark that store's connector"
            raise StoreError(f"got {bare(place)}; wanted a Spark that reads {scheme}://; {todo}")
