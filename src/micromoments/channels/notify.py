"""E-mail, SMS, chat and push through Apprise, by its addresses: one per destination, with the person's filled in.

Source: https://github.com/caronc/apprise/wiki, "URL basics". Needs the extra ``notify``.
"""

from __future__ import annotations

from threading import Lock
from urllib.parse import quote

from micromoments.core.delivery import Delivery, Receipt, later, never, taken
from micromoments.core.event import Millis
from micromoments.core.settings import Destination

PLACES = ("email", "phone", "chat")
"""What may stand in braces in the address: of the person, percent-encoded."""


class NotifyChannel:
    """One Apprise address, such as ``mailtos://user:password@example.com?to={email}``.

    Raises:
        ValueError: Apprise is not installed, or there is no address.
    """

    def __init__(self, destination: Destination, secret: str) -> None:
        try:
            import apprise
        except ImportError:
            raise ValueError("got kind = notify without Apprise; pip install 'micromoments[notify]'") from None
        if not secret:
            raise ValueError("got no secret; wanted the Apprise address, which holds a password, by env or file")
        self._apprise = apprise
        self._address = secret
        self._lock = Lock()
        self._seconds = destination.timeout_seconds

    def send(self, delivery: Delivery, now: Millis) -> Receipt:  # noqa: ARG002 the port has it
        """Hand it to the service. Apprise says only whether it was taken, so what wasn't is tried again."""
        address = self._address
        for name in PLACES:
            if f"{{{name}}}" in address:
                if name not in delivery.address:
                    return never(f"no {name} is known of this person")
                address = address.replace(f"{{{name}}}", quote(delivery.address[name], safe=""))
        with self._lock:  # making a plugin loads its module
            asset = self._apprise.AppriseAsset(secure_logging=True)
            found = self._apprise.Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
        if found is None:
            return never("an address that Apprise doesn't know; see its wiki")
        found.socket_connect_timeout = found.socket_read_timeout = self._seconds
        # Text stays text: where the service sends HTML, an item's title or a search can't become markup in it.
        done = found.notify(
            body=delivery.text or delivery.title,
            title=delivery.title if delivery.text else "",
            body_format=self._apprise.NotifyFormat.TEXT,
        )
        return taken() if done else later("Apprise could not hand it over")

    def close(self) -> None:
        """Nothing is kept open."""
