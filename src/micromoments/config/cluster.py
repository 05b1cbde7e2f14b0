"""The table of those who outgrew one machine: where Kafka and Redis are. Without it everything lies in the folder.

.. code-block:: toml

    [cluster]
    kafka = "kafka-1:9092,kafka-2:9092,kafka-3:9092"
    redis = { env = "SHOP_REDIS" } # an address may hold a password: redis://, rediss://, redis+cluster://
    kafka_secret = { file = "kafka.json" } # librdkafka's own settings of how to get in
    facts = "s3://shop-facts/micromoments"

Like the keys it is no setting: it says where things are, and not what is decided.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from micromoments.config.keys import load_secret
from micromoments.config.loader import CLUSTER_TABLE, FILE_NAME, read_text, read_toml
from micromoments.config.mistakes import ConfigError, Found, located
from micromoments.config.positions import line_numbers, lines_of
from micromoments.config.shape import misshapen
from micromoments.core.settings import Reference

HOW_TO_GET_IN = ("security.", "sasl.", "ssl.", "enable.ssl.", "https.", "client.", "broker.address.", "socket.")
"""What the names of librdkafka's settings in ``kafka_secret`` begin with."""
KINDS = ("redis", "rediss", "redis+cluster", "rediss+cluster")


class Cluster(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the parts are. ``project`` begins every name there, so that several projects can share them (the project's
    name unless set); ``partitions`` is how many workers can share the events, for good; ``copies`` of each record,
    ``in_sync`` of which must have it before it is acknowledged. ``facts`` is a folder or a bucket for Parquet
    files; with ``fact_topics`` facts go to Kafka topics, too. ``kafka_secret`` is a JSON object.
    """

    kafka: str
    redis: str | Reference
    project: str = ""
    partitions: int = 12
    copies: int = 3
    in_sync: int = 2
    facts: str = ""
    fact_topics: bool = False
    kafka_secret: str | Reference = ""

    def __repr__(self) -> str:
        """Where it is; an address with a password never gets into a log."""
        return f"Cluster(kafka={self.kafka!r}, project={self.project!r})"


def load_cluster(folder: Path, environment: Mapping[str, str]) -> Cluster | None:
    """The cluster of a project, with its Redis address read from where it is named; ``None`` where it has none.

    Raises:
        ConfigError: the table can't be used.
        OSError: the configuration file can't be read.
    """
    file = folder / FILE_NAME if folder.is_dir() else folder
    text = read_text(file) if file.exists() else ""
    data = read_toml(text, file)
    if CLUSTER_TABLE not in data:
        return None
    found = [f._replace(place=(CLUSTER_TABLE, *f.place)) for f in misshapen(data[CLUSTER_TABLE], Cluster)]
    if not found:
        cluster = msgspec.convert(data[CLUSTER_TABLE], Cluster)
        address, found = _address(cluster.redis, file.parent, environment)
        secret, wrong = _kafka_secret(cluster.kafka_secret, file.parent, environment)
        found += [*wrong, *_impossible(cluster)]
        if not found:
            name = str(data.get("name", "my-shop"))
            project = cluster.project or re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-") or "my-shop"
            facts = cluster.facts or str((file.parent / "facts").absolute())
            return msgspec.structs.replace(cluster, redis=address, project=project, facts=facts, kafka_secret=secret)
    raise ConfigError(located(found, file, line_numbers(text)))


def in_folder(folder: Path) -> None:
    """Refuse a project that is on a cluster, where one in its folder is wanted; the table need not be right.

    Raises:
        ValueError: it is on a cluster.
    """
    file = folder / FILE_NAME
    if file.exists() and CLUSTER_TABLE in read_toml(read_text(file), file):
        raise ValueError(
            f"got {folder}, whose project is on a cluster, as {FILE_NAME} has a table [{CLUSTER_TABLE}]; wanted one in "
            "its folder; ask a server of the cluster, or take it back: micromoments migrate FOLDER --back"
        )


def joined(folder: Path, file: Path) -> str:
    """The text of a project's file with the table ``[cluster]`` of another file at its end.

    Raises:
        ConfigError: one of them is no TOML.
        ValueError: the other file has something else in it, or the project's has the table.
    """
    own = folder / FILE_NAME
    text, table = (read_text(own) if own.exists() else ""), read_text(file)
    if set(read_toml(table, file)) != {CLUSTER_TABLE}:
        raise ValueError(f"got {file} with {', '.join(read_toml(table, file)) or 'nothing'}; wanted [cluster] alone")
    if CLUSTER_TABLE in read_toml(text, own):
        raise ValueError(f"got {own} with a table [cluster] already; wanted it in {file} alone until all is copied")
    return f"{text.rstrip()}\n\n{table.strip()}\n".lstrip()


def parted(text: str) -> str:
    """The text of a project's file without the table ``[cluster]`` and its own tables."""
    kept: list[str] = []
    inside = False
    for line in lines_of(text):
        if found := re.match(r"\s*\[+\s*([^\].\s]+)", line):
            inside = found[1].strip("\"'") == CLUSTER_TABLE
        if not inside:
            kept.append(line)
    return "\n".join(kept).rstrip() + "\n"


def _address(redis: str | Reference, folder: Path, environment: Mapping[str, str]) -> tuple[str, list[Found]]:
    place = (CLUSTER_TABLE, "redis")
    wanted = "redis://host:port/0, rediss:// for TLS, redis+cluster:// for a cluster"
    try:
        address = redis if isinstance(redis, str) else load_secret(redis, folder, environment)
    except ValueError as error:
        return "", [Found(place, str(error), wanted)]
    if address.partition("://")[0] not in KINDS:
        return "", [Found(place, "an address of another kind", wanted)]
    return address, []


def _kafka_secret(secret: str | Reference, folder: Path, environment: Mapping[str, str]) -> tuple[str, list[Found]]:
    """The settings as JSON, with the paths of their files from the project's folder; what is wrong never shows one."""
    place = (CLUSTER_TABLE, "kafka_secret")
    try:
        text = secret if isinstance(secret, str) else load_secret(secret, folder, environment)
        given = msgspec.json.decode(text, type=dict[str, str | int | float | bool]) if text else {}
    except msgspec.DecodeError:
        return "", [Found(place, "no JSON object of plain values", 'such as {"security.protocol": "SASL_SSL"}')]
    except ValueError as error:
        return "", [Found(place, str(error), "a JSON object of librdkafka's settings")]
    if ours := sorted(name for name in given if not name.startswith(HOW_TO_GET_IN)):
        wanted = f"names that begin with {', '.join(HOW_TO_GET_IN)}: the others are what is promised of the log"
        return "", [Found(place, ", ".join(ours), wanted)]
    for name, value in given.items():
        if name.endswith(".location") and (folder / str(value)).exists():
            given[name] = str((folder / str(value)).absolute())
    return msgspec.json.encode(given).decode(), []


def secret_settings(cluster: Cluster) -> dict[str, object]:
    """Librdkafka's settings of how to get into the brokers; of a cluster as ``load_cluster`` gives it."""
    return dict(msgspec.json.decode(str(cluster.kafka_secret))) if cluster.kafka_secret else {}


def _impossible(cluster: Cluster) -> list[Found]:
    found: list[Found] = []

    def wrong(name: str, got: object, wanted: str) -> None:
        found.append(Found((CLUSTER_TABLE, name), f"{got}", wanted))

    if not re.fullmatch(r"[^\s:,]+:\d+(,[^\s:,]+:\d+)*", cluster.kafka):
        wrong("kafka", cluster.kafka, "host:port of one or more brokers, with commas")
    if cluster.project and not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", cluster.project):
        wrong("project", cluster.project, "letters, digits, points, dashes and underscores")
    if not 1 <= cluster.partitions <= 1024:
        wrong("partitions", cluster.partitions, "1 to 1024")
    if not 1 <= cluster.in_sync <= cluster.copies:
        wrong("in_sync", cluster.in_sync, f"1 to copies, which is {cluster.copies}")
    return found
