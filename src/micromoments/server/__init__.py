"""The HTTP doors: an ASGI callable over one ``Service``. A door reads, asks, and answers in its protocol's words."""
