"""Webhooks by the Standard Webhooks specification, and the same news in the shapes of well-known tools.

Source: https://github.com/standard-webhooks/standard-webhooks, "Webhook headers" and "Signature scheme"; signed by its
own library.
"""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, datetime

from standardwebhooks import Webhook

from micromoments.channels.post import Poster
from micromoments.channels.shapes import shaped
from micromoments.core.delivery import Delivery, Receipt
from micromoments.core.event import Millis
from micromoments.core.settings import Destination

SHORTEST = 16
"""Bytes of a secret, below which it could be guessed."""


class WebhookChannel:
    """One HTTP endpoint.

    Args:
        destination: its settings; ``url`` is where to.
        secret: ``whsec_...`` to sign with (empty: unsigned), or a foreign tool's API key.

    Raises:
        ValueError: the secret is none.
    """

    def __init__(self, destination: Destination, secret: str) -> None:
        self._to = destination
        self._secret = secret
        self._signer = _signer(secret) if secret and destination.shape == "standard" else None
        self._poster = Poster(destination.timeout_seconds, private=destination.private)

    def send(self, delivery: Delivery, now: Millis) -> Receipt:
        """One POST of what was written when it was decided; only the signature's time differs from try to try."""
        body, headers = shaped(self._to.shape, delivery, self._secret, self._to.attribute)
        if self._to.shape == "standard":
            headers |= {"webhook-id": delivery.id, "webhook-timestamp": str(now // 1000)}
            if self._signer is not None:
                at = datetime.fromtimestamp(now // 1000, UTC)
                headers["webhook-signature"] = self._signer.sign(delivery.id, at, body.decode())
        return self._poster.post(self._to.url, body, headers, now, in_parts=self._to.shape != "standard")

    def close(self) -> None:
        """Let go of the connections."""
        self._poster.close()


def _signer(secret: str) -> Webhook:
    text = secret.removeprefix("whsec_")
    try:
        key = b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError as error:
        raise ValueError(f"got a secret that is no base64 ({error}); wanted whsec_ and base64 of 24 bytes") from None
    if len(key) < SHORTEST:
        raise ValueError(f"got a secret of fewer than {SHORTEST} bytes; wanted whsec_ and base64 of 24 random bytes")
    return Webhook(key)
