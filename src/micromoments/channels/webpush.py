"""Web Push: to the browser's own push service, encrypted for the browser alone (RFC 8030, 8188, 8291, 8292).

The person's subscription is their confirmed ``push_endpoint``, ``push_p256dh`` and ``push_auth``. Needs the extra
``push``.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from micromoments.channels.post import Poster
from micromoments.core.delivery import Delivery, Receipt, never
from micromoments.core.event import Millis
from micromoments.core.settings import Destination

TTL = 4 * 3600
"""Seconds for which the push service keeps it while the browser is away."""
VALID = 12 * 3600
"""Seconds for which the proof of who sends is good; RFC 8292 allows a day."""


class PushChannel:
    """Browsers, by their subscriptions; the endpoint is theirs, so it is always held to be a stranger's.

    Args:
        destination: ``url`` is the contact of RFC 8292, ``mailto:`` or ``https:``.
        secret: the private VAPID key, base64url.

    Raises:
        ValueError: pywebpush is not installed, or the key is none.
    """

    def __init__(self, destination: Destination, secret: str) -> None:
        try:
            from py_vapid import Vapid
            from pywebpush import WebPusher
        except ImportError:
            raise ValueError("got kind = push without pywebpush; pip install 'micromoments[push]'") from None
        try:
            self._vapid = Vapid.from_string(secret)
        except Exception:  # noqa: BLE001 - whatever the library calls a wrong key, it isn't shown
            raise ValueError("got a secret that is no VAPID key; wanted a private P-256 key in base64url") from None
        self._pusher = WebPusher
        self._contact = destination.url
        self._poster = Poster(destination.timeout_seconds, private=False)

    def send(self, delivery: Delivery, now: Millis) -> Receipt:
        """Encrypt and hand over; a subscription that is gone (404, 410) is never tried again."""
        to = delivery.address
        try:
            keys = {"p256dh": to["push_p256dh"], "auth": to["push_auth"]}
            subscription = {"endpoint": to["push_endpoint"], "keys": keys}
            said = msgspec.json.encode({"title": delivery.title, "body": delivery.text, "id": delivery.id})
            sealed = self._pusher(subscription).encode(said)["body"]
        except Exception as error:  # noqa: BLE001 - a subscription is a stranger's, and the library trusts it
            return never(f"a subscription that can't be used ({type(error).__name__})")
        origin = urlsplit(to["push_endpoint"])
        claims = {"aud": f"{origin.scheme}://{origin.netloc}", "sub": self._contact, "exp": now // 1000 + VALID}
        headers = {
            **self._vapid.sign(claims),
            "content-encoding": "aes128gcm",
            "ttl": str(TTL),
            "topic": delivery.id[-32:].replace("_", "-"),
        }
        return self._poster.post(to["push_endpoint"], sealed, {k.lower(): v for k, v in headers.items()}, now)

    def close(self) -> None:
        """Let go of the connections."""
        self._poster.close()
