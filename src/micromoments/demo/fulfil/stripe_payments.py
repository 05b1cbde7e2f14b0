"""The payment port by Stripe's own library: payment intents, captured at once or later."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from micromoments.demo.fulfil.payment import Declined, Unreachable

if TYPE_CHECKING:
    from stripe import StripeClient
    from stripe.params import PaymentIntentCreateParams

Answer = TypeVar("Answer")


class StripePayments:
    """Payments through Stripe. ``url`` is another address of its API, such as a test's."""

    def __init__(self, secret: str, url: str = "") -> None:
        import stripe

        # Ours are the retries: the same key, whenever the answer isn't known.
        self._client: StripeClient = (
            stripe.StripeClient(secret, base_addresses={"api": url}, max_network_retries=0)
            if url
            else stripe.StripeClient(secret, max_network_retries=0)
        )

    def charge(self, key: str, amount: int, currency: str, source: str, capture: bool) -> str:
        """See ``Payments``."""
        wanted: PaymentIntentCreateParams = {
            "amount": amount,
            "currency": currency.lower(),
            "payment_method": source,
            "confirm": True,
            "capture_method": "automatic" if capture else "manual",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
        intents = self._client.v1.payment_intents
        made = _asked(lambda: intents.create(wanted, {"idempotency_key": key}))
        if made.status not in ("succeeded", "requires_capture"):
            raise Declined(str(made.status), f"Stripe wants {made.status}")
        return made.id

    def capture(self, key: str, payment: str, amount: int) -> None:
        """See ``Payments``."""
        intents = self._client.v1.payment_intents
        _asked(lambda: intents.capture(payment, {"amount_to_capture": amount}, {"idempotency_key": key}))

    def void(self, key: str, payment: str) -> None:
        """See ``Payments``."""
        _asked(lambda: self._client.v1.payment_intents.cancel(payment, {}, {"idempotency_key": key}))

    def refund(self, key: str, payment: str, amount: int) -> None:
        """See ``Payments``."""
        refunds = self._client.v1.refunds
        _asked(lambda: refunds.create({"payment_intent": payment, "amount": amount}, {"idempotency_key": key}))


def _asked(ask: Callable[[], Answer]) -> Answer:
    """An answer of Stripe, with its errors in the port's words."""
    import stripe

    try:
        return ask()
    except stripe.CardError as no:
        raise Declined(no.code or "card_declined", str(no.user_message or no)) from no
    except (stripe.APIConnectionError, stripe.RateLimitError) as lost:
        raise Unreachable(str(lost)) from lost
    except stripe.APIError as lost:
        raise Unreachable(str(lost)) from lost
    except stripe.StripeError as wrong:
        if wrong.http_status == 409:  # the same key is being worked on right now
            raise Unreachable(str(wrong)) from wrong
        raise Declined(wrong.code or "invalid_request", str(wrong)) from wrong
