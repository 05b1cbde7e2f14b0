"""A project on a cluster, with its facts in a bucket, replayed, trained and reported on Spark as without it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.engine.test_spark import sparked
from tools.cluster import JARS, Absent, jars

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


def test_a_cluster_comes_out_the_same_on_spark() -> None:
    """``on_spark.py``, in a process of its own: Kafka's log and the facts in a bucket, read with Hadoop's ``s3a``."""
    try:
        lib = jars("s3a")
    except Absent as absent:
        pytest.skip(f"{absent}")
    found = find_spec("pyspark")
    hadoop = f"hadoop-client-api-{JARS['s3a']}.jar"
    if found is not None and not Path(str(found.origin)).with_name("jars").joinpath(hadoop).exists():
        pytest.skip(f"this PySpark has another Hadoop than {JARS['s3a']}, for which the jars are")
    brought = ",".join(map(str, sorted(lib.glob("*.jar"))))
    sparked(Path(__file__).with_name("on_spark.py"), PYSPARK_SUBMIT_ARGS=f"--jars {brought} pyspark-shell")
