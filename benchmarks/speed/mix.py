"""The published mix of events: 10 % with query text, 20 % from new people, 1 % duplicates; 600 bytes an event."""

from __future__ import annotations

from random import Random

QUERIES = (
    "trail running shoes", "how to fix a leaking tap", "coffee near me", "cheap usb c hub", "flat white recipe",
    "opening hours city library", "best noise cancelling headphones", "train to the airport", "what is oat milk",
    "waterproof jacket size m", "replace bicycle chain", "pharmacy open now",
)  # fmt: skip
NAMES = ("Product Viewed", "Product List Viewed", "Product Clicked", "Product Added", "Cart Viewed", "Promotion Viewed")
PAD = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
CONTEXT = (
    '"context":{"page":{"path":"/products/trail-shoe","url":"https://shop.example/products/trail-shoe",'
    '"title":"Trail shoe"},'
    f'"locale":"en-GB","userAgent":"{PAD}","library":{{"name":"bench","version":"1.0"}}}}'
)


class Mix:
    """An endless seeded stream of events as JSON texts. ``people`` counts those made so far."""

    def __init__(self, seed: int = 7) -> None:
        self._random = Random(seed)
        self.people = 1
        self.sent = 0
        self._last = ""

    def event(self) -> str:
        """One event; one in a hundred repeats the one before, message id and all."""
        r = self._random
        if self._last and r.random() < 0.01:
            return self._last
        if r.random() < 0.20:
            self.people += 1
            who = self.people
        else:
            who = r.randrange(self.people) + 1
        self.sent += 1
        if r.random() < 0.10:
            name, more = "Products Searched", f'"query":"{r.choice(QUERIES)}"'
        else:
            name, more = (
                r.choice(NAMES),
                f'"product_id":"p{r.randrange(10_000)}","category":"c{r.randrange(40)}","price":{r.randrange(500)}',
            )
        self._last = (
            f'{{"type":"track","messageId":"m-{self.sent:012d}","anonymousId":"a-{who:09d}","event":"{name}",'
            f'"properties":{{{more}}},{CONTEXT}}}'
        )
        return self._last

    def batch(self, size: int) -> bytes:
        """One batch body of that many events."""
        return ('{"batch":[' + ",".join(self.event() for _ in range(size)) + "]}").encode()
