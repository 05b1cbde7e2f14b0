"""Which words a person searched with."""

from __future__ import annotations

import pytest

from micromoments.recognise.behaviour import said


@pytest.mark.parametrize(
    ("properties", "url", "words"),
    [
        ({"query": " trail shoes "}, "", "trail shoes"),
        ({"search": "trail shoes"}, "", "trail shoes"),
        ({"search": "?q=trail+shoes"}, "", "trail shoes"),
        ({"search": "?page=2"}, "https://shop.example/all?page=2", ""),
        ({"search": "?utm_source=x"}, "https://shop.example/find?q=tent", "tent"),
        ({}, "https://shop.example/find?s=tent", "tent"),
        ({}, "http://[object Object]/find?s=tent#top", "tent"),
    ],
)
def test_what_was_searched(properties: dict[str, str], url: str, words: str) -> None:
    """The words are what was typed; an address's query string, as page calls send it, is read for them."""
    assert said(properties, url) == words
