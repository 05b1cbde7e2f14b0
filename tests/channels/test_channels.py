"""Each channel hands over under the delivery's id, within its bounds, and says what became of it."""

from __future__ import annotations

import asyncio
import gc
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from standardwebhooks import Webhook, WebhookVerificationError

from micromoments.channels.files import FileChannel
from micromoments.channels.guard import Refused, allowed, pinned, target
from micromoments.channels.notify import NotifyChannel
from micromoments.channels.webhook import WebhookChannel
from micromoments.channels.webpush import PushChannel
from micromoments.core.delivery import Delivery
from micromoments.core.settings import Destination
from micromoments.testing.clocks import START
from micromoments.testing.contracts import ChannelContract
from micromoments.testing.generators import delivery
from micromoments.testing.hostile import HostileChannel
from tests.channels.receiver import TAKE, Receiver, receiving

SECRET = "whsec_" + b64encode(b"0123456789abcdef01234567").decode()
NOW = 1_900_000_000_000
OPENED: list[ExitStack] = []


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """Receivers that a test opened are closed at its end."""
    yield
    while OPENED:
        OPENED.pop().close()


def receiver(answer: Any = lambda _n, _body: TAKE) -> Receiver:
    """A receiver that lives as long as the test."""
    stack = ExitStack()
    OPENED.append(stack)
    return stack.enter_context(receiving(answer))


def webhook(url: str, secret: str = SECRET, **more: Any) -> WebhookChannel:
    """A channel to a receiver on loopback."""
    channel = WebhookChannel(Destination(url=url, private=True, timeout_seconds=1, **more), secret)
    OPENED.append(ExitStack())
    OPENED[-1].callback(channel.close)
    return channel


def one(**more: Any) -> Delivery:
    """A delivery that was written for a destination."""
    return replace(delivery(1, destination="crm"), **more)


class TestWebhook(ChannelContract):
    """Webhooks keep the port's promises."""

    got: Receiver

    def open(self, folder: Path) -> WebhookChannel:
        """To a receiver that takes everything."""
        self.got = receiver()
        return webhook(self.got.url)

    def refusing(self, folder: Path, *, again: bool) -> WebhookChannel:
        """To one that is down, or that knows nothing of it."""
        return webhook(receiver(lambda _n, _body: (503 if again else 404, {})).url)

    def received(self, folder: Path) -> list[str]:
        """By their headers."""
        return [headers["webhook-id"] for _, headers, _ in self.got.calls]


class TestFile(ChannelContract):
    """Files keep the port's promises."""

    def open(self, folder: Path) -> FileChannel:
        """Into a folder."""
        return FileChannel(Destination(kind="file", url="out"), folder)

    def refusing(self, folder: Path, *, again: bool) -> Any:
        """Into what is no folder; what never can be written isn't known of files, so a hostile one stands in."""
        if not again:
            return HostileChannel([False])
        (folder / "full").write_text("")
        return FileChannel(Destination(kind="file", url="full/out"), folder)

    def received(self, folder: Path) -> list[str]:
        """By the lines."""
        lines = [line for path in (folder / "out").glob("*.jsonl") for line in path.read_bytes().splitlines()]
        return [msgspec.json.decode(line)["id"] for line in lines]


class TestHostile(ChannelContract):
    """The hostile channel keeps the port's promises, too."""

    channel: HostileChannel

    def open(self, folder: Path) -> HostileChannel:
        """One that takes everything."""
        self.channel = HostileChannel()
        return self.channel

    def refusing(self, folder: Path, *, again: bool) -> HostileChannel:
        """One that takes nothing."""
        return HostileChannel([None if again else False])

    def received(self, folder: Path) -> list[str]:
        """What it took."""
        return self.channel.ids


def test_a_webhook_is_signed_as_the_standard_says() -> None:
    """The specification's own library accepts the signature, and refuses it once a byte of the body is another."""
    got = receiver()
    channel = webhook(got.url)
    from time import time

    assert channel.send(one(), round(time() * 1000)).taken
    _, headers, body = got.calls[0]
    assert Webhook(SECRET).verify(body, headers)["type"] == "moment.opened"
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.replace(b"opened", b"closed"), headers)


@pytest.mark.parametrize("secret", ["whsec_c2hvcnQ=", "whsec_!", "short"])
def test_a_secret_that_could_be_guessed_is_refused(secret: str) -> None:
    """A signature by a few bytes would prove nothing."""
    with pytest.raises(ValueError, match="whsec_"):
        webhook("http://127.0.0.1:1/", secret)


def test_a_receiver_that_asks_to_wait_is_heard() -> None:
    """Retry-After in seconds or as a date says when to come back, a day at most."""
    said = ["7", "Fri, 17 Mar 2030 17:46:50 GMT", "999999", "soon"]
    got = receiver(lambda n, _body: (429, {"retry-after": said[n]}))
    channel = webhook(got.url)
    assert [channel.send(one(), NOW).after for _ in said] == [7.0, 10.0, 86_400.0, 0.0]


@pytest.mark.parametrize(("status", "again"), [(401, True), (429, True), (503, True), (400, False), (410, False)])
def test_what_may_be_mended_is_tried_again(status: int, again: bool) -> None:
    """A key that was changed is put right some time; what is wrong with the request isn't."""
    got = webhook(receiver(lambda _n, _body: (status, {})).url).send(one(), NOW)
    assert (got.taken, got.again) == (False, again)


def test_a_receiver_that_hangs_or_is_not_there_is_tried_later() -> None:
    """Neither silence nor a closed door is an exception, and silence lasts no longer than the destination's time."""
    hanging = webhook(receiver(lambda _n, _body: None).url)
    nobody = webhook("http://127.0.0.1:9/hook")
    for channel in (hanging, nobody):
        receipt = channel.send(one(), NOW)
        assert (receipt.taken, receipt.again) == (False, True)


@pytest.mark.parametrize(
    ("shape", "status", "words", "whole"),
    [
        ("braze", 201, b'{"message":"success","errors":[{"type":"bad time","input_array":"events","index":0}]}', False),
        ("customerio", 207, b'{ "errors" : [ {"batch_index": 1, "reason": "invalid"} ] }', False),
        ("segment", 200, b'{"success":true,"rejected":[{"index":0,"code":"too_large"}]}', False),
        ("segment", 200, b'{"success":true,"rejected":[]}', True),
        ("braze", 201, b'{"message":"success","errors":[]}', True),
        ("standard", 200, b'{"errors":["a receiver of one\'s own may say what it likes"]}', True),
    ],
)
def test_a_tool_that_took_a_part_is_no_success(shape: Any, status: int, words: bytes, whole: bool) -> None:
    """Some tools answer 2xx and name what they refused: that is a dead letter with their words, and not lost."""
    got = receiver(lambda _n, _body: (status, {}))
    got.words = words
    news = b'{"type":"moment.opened","timestamp":"2026-01-01T00:00:00Z","data":{"person":{"userId":"a"},"trigger":"t"}}'
    secret = "" if shape == "standard" else "site:key"
    channel = WebhookChannel(Destination(url=got.url, private=True, shape=shape, timeout_seconds=60), secret)
    receipt = channel.send(one(data=news), NOW)
    channel.close()
    assert (receipt.taken, receipt.again) == (whole, False)
    assert whole or words.decode()[:60] in receipt.detail


def test_redirects_are_not_followed() -> None:
    """A receiver can't send us elsewhere."""
    elsewhere = receiver()
    got = receiver(lambda _n, _body: (307, {"location": elsewhere.url}))
    receipt = webhook(got.url).send(one(), NOW)
    assert (receipt.taken, receipt.again, elsewhere.calls) == (False, False, [])


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.8",
        "192.168.1.1",
        "169.254.169.254",
        "::1",
        "fd00::1",
        "fe80::1%eth0",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:a00:1::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "100.100.100.200",
        "::ffff:100.100.100.200",
    ],
)
def test_one_s_own_network_is_not_asked_by_accident(address: str) -> None:
    """Private, loopback and link-local addresses are refused; those of a machine's own credentials always are."""
    assert not allowed(address, private=False)
    never = ("169.254", "fe80", "64:ff9b::a9fe", "fd00:ec2::254", "fd20:ce", "100.100.100.200", "::ffff:100.100")
    assert allowed(address, private=True) == (not address.startswith(never))


def test_a_public_address_may_be_asked() -> None:
    """Of either version, and by NAT64."""
    for address in ("93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"):
        assert allowed(address, private=False)


def test_a_name_that_leads_inside_is_refused_and_says_what_to_do() -> None:
    """The name is resolved before anything is sent, and the connection goes to the address that was looked at."""
    with pytest.raises(Refused, match="set private = true"):
        target("https://localhost/hook", private=False)
    with pytest.raises(Refused, match="wanted https"):
        target("http://93.184.216.34/hook", private=False)
    receipt = WebhookChannel(Destination(url="https://localhost:1/hook"), "").send(one(), NOW)
    assert (receipt.taken, receipt.again) == (False, False)
    assert pinned("https://a.example:8443/x?y=1", "::1") == "https://[::1]:8443/x?y=1"


@pytest.mark.filterwarnings("ignore")
def test_apprise_gets_the_person_s_address_and_nothing_else_of_theirs() -> None:
    """The address is percent-encoded, so that it can't add a parameter; without one nothing is sent."""
    got = receiver()
    url = got.url.replace("http://", "json://") + "?+X-To={email}"
    channel = NotifyChannel(Destination(kind="notify", channel="email"), url)
    written = one(title="Back in stock", text="Trail shoes", address={"email": "a@b.example&format=markdown"})
    assert channel.send(written, NOW).taken
    assert msgspec.json.decode(got.bodies[0])["title"] == "Back in stock"
    assert got.calls[0][1]["x-to"] == "a@b.example&format=markdown"
    assert not channel.send(one(), NOW).taken
    gc.collect()  # Apprise leaves its connection to the collector, which warns


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("markup", ["", "&format=html"])
async def test_a_letter_is_text_whatever_is_written_in_it(markup: str) -> None:
    """By a real SMTP server: to the person alone, a line of its subject can't become a header, and a title or a search
    with markup is shown as it is written, also where the service sends HTML.
    """
    smtp = pytest.importorskip("aiosmtpd.smtp", reason="aiosmtpd is not installed; run make setup")
    letters: list[Any] = []

    class Box:
        """Keeps what comes."""

        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 aiosmtpd's
            """A letter."""
            letters.append(envelope)
            return "250 OK"

    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: smtp.SMTP(Box(), loop=loop), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        url = f"mailto://127.0.0.1:{port}?from=us@shop.example&to={{email}}{markup}"
        channel = NotifyChannel(Destination(kind="notify", channel="email", timeout_seconds=60), url)
        title, text = "Still looking for <b>tents</b>?\r\nBcc: eve@evil.example", "Für dich: <a href=x>Tent</a> & more"
        written = one(title=title, text=text, address={"email": "ana@example.com"})
        assert (await asyncio.to_thread(channel.send, written, NOW)).taken
    (letter,) = letters
    assert letter.rcpt_tos == ["ana@example.com"]
    read: Any = message_from_bytes(letter.content, policy=policy.default)
    assert read["Bcc"] is None
    assert "<b>tents</b>" in read["Subject"]
    shown = read.get_body(("html",) if markup else ("plain",)).get_content()
    assert ("&lt;a" in shown and "<a" not in shown) if markup else text in shown
    gc.collect()  # Apprise leaves its connection to the collector, which warns


def test_web_push_goes_to_the_browser_s_service_only() -> None:
    """A subscription inside one's own network, or a broken one, is refused for good; a good one is sealed for it."""
    import py_vapid
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    vapid = py_vapid.Vapid()
    vapid.generate_keys()
    raw = vapid.private_key.private_numbers().private_value.to_bytes(32, "big")
    key = py_vapid.b64urlencode(raw)
    channel = PushChannel(Destination(kind="push", url="mailto:us@shop.example", channel="push"), key)
    browser = ec.generate_private_key(ec.SECP256R1()).public_key()
    point = browser.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    to = {
        "push_endpoint": "https://127.0.0.1:9/send/abc",
        "push_p256dh": py_vapid.b64urlencode(point),
        "push_auth": py_vapid.b64urlencode(b"0123456789abcdef"),
    }
    inside = channel.send(one(title="Hello", address=to), NOW)
    broken = channel.send(one(title="Hello", address={**to, "push_p256dh": "x"}), NOW)
    assert [(r.taken, r.again) for r in (inside, broken)] == [(False, False)] * 2
    assert "network of your own" in inside.detail
    assert START < NOW


@pytest.mark.parametrize("kind", [NotifyChannel, PushChannel])
def test_a_channel_without_its_secret_is_not_opened(kind: Any) -> None:
    """What is missing is said when the channel is opened, before anything waits for it."""
    with pytest.raises(ValueError, match="wanted"):
        kind(Destination(kind="notify", channel="email"), "")
