"""The app over a service in memory, with keys and without; and over the real engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from time import time

import jwt
import pytest
import pytest_asyncio

from micromoments.engine.service import Service, now_ms, open_service
from micromoments.server.app import App
from micromoments.server.keys import Keys
from tests.server.asgi import SECRET_KEY, TOKEN_KEY, WRITE_KEY, Client, basic
from tests.server.fake import NOW, FakeService


@pytest.fixture
def service() -> FakeService:
    """A service that accepts everything."""
    return FakeService()


@pytest.fixture
def app(service: FakeService) -> App:
    """The doors with keys."""
    return App(service, Keys([WRITE_KEY], [SECRET_KEY], [TOKEN_KEY], clock=service.clock))


@pytest.fixture
def anyone(app: App) -> Client:
    """A client without any key."""
    return Client(app)


@pytest.fixture
def browser(app: App) -> Client:
    """A client with the public write key."""
    return Client(app, basic(WRITE_KEY))


@pytest.fixture
def backend(app: App) -> Client:
    """The business's own server."""
    return Client(app, f"Bearer {SECRET_KEY}")


@pytest.fixture
def ana(app: App) -> Client:
    """A person whose token the business signed."""
    return Client(app, f"Bearer {token('ana')}")


@pytest.fixture
def local(service: FakeService) -> Client:
    """A client of a server without keys, on this machine."""
    return Client(App(service, Keys(clock=service.clock)))


def token(subject: str, *, life: float = 600, key: str = TOKEN_KEY, **claims: object) -> str:
    """A person token as the business's server would sign it."""
    return jwt.encode({"sub": subject, "exp": NOW / 1000 + life, **claims}, key, algorithm="HS256")


def signed(subject: str) -> str:
    """A person token that is good now, by the machine's clock."""
    return jwt.encode({"sub": subject, "exp": time() + 600}, TOKEN_KEY, algorithm="HS256")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The folder of the real engine: an empty one, unless a file's tests say otherwise."""
    return tmp_path / "shop"


@pytest.fixture
def clock() -> Callable[[], int]:
    """The real engine's clock."""
    return now_ms


@pytest_asyncio.fixture
async def engine(shop: Path, clock: Callable[[], int]) -> AsyncIterator[Service]:
    """The real engine over a folder."""
    service = open_service(shop, None, clock)
    await service.start()
    yield service
    await service.stop()


@pytest.fixture
def real(engine: Service) -> Client:
    """Its doors, asked by the business's own server."""
    return Client(App(engine, Keys([WRITE_KEY], [SECRET_KEY], clock=engine.clock)), f"Bearer {SECRET_KEY}")


@pytest.fixture
def azure(real: Client) -> Client:
    """The same, for a client of Azure Personalizer."""
    return real
