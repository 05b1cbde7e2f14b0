"""Clean input: bots, internal people and tests are marked at intake; what people typed is scrubbed of contact data,
and withheld where it tells a sensitive need.

Marked events stay in the log and out of the counts. Scrubbing touches free text only (what someone typed into a search
box, a message, a comment; the address of a page), never the traits that a business sent on purpose.
The kept list of crawlers is the package ``crawler-user-agents`` (MIT).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from micromoments.core.event import BOT, INTERNAL, SIMULATED, TEST, WITHHELD, Arrival, Event
from micromoments.core.settings import MINUTE, Intake
from micromoments.sources.wire import decode_any, encode

FREE_TEXT = frozenset(
    """
    query search search_query search_term search_text searchterm searchquery q term terms text words keywords prompt
    question answer message comment comments note notes review body feedback description reason free_text freetext input
    """.split()  # noqa: SIM905 a list of words reads as words
)
"""Properties that hold what a person typed."""
_ADDRESSES = ("url", "search", "referrer", "title", "path")
_MAX_AGENTS = 20_000
_MAX_RATES = 100_000
_MAX_AGENT, _MAX_IP = 512, 64
"""Characters of a user agent and of an address beyond which nothing of them is kept: senders choose them."""

_HINT = re.compile(r"@|%40|\d(?:\D{0,3}\d){7}")
_EMAIL = re.compile(r"[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+")
_NUMBER = re.compile(r"(?<![\w.])(?:\+|00)?\(?\d(?:[\s().\-/]{0,3}\d){7,18}(?![\w])")
_DATE_OR_ADDRESS = re.compile(r"(?:\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{4}|(?:\d{1,3}\.){3}\d{1,3})")
_CARD = re.compile(r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3[0689]\d{12}|35\d{14}|6\d{15,18}")
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d\d(?: ?[A-Z\d]){11,30}", re.IGNORECASE)
_IBAN_LENGTHS = {
    country: int(length)
    for country, length in re.findall(
        r"(..)(\d\d)",
        """
    AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18 FO18
    FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21
    LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24 SI19 SK24 SM27
    ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20
    """,
    )
}
"""Characters of an account's number by country (ISO 13616)."""
_CALLED = re.compile(r"\b(?:tele)?(?:phone|call|cell|fax|mobile|sms|tel|whatsapp)\b[\s.:#-]{0,3}$", re.IGNORECASE)
"""Words after which a number is somebody's."""
_YEARS_OR_PAIRS = re.compile(r"(?:19|20)\d\d(?:\D+(?:19|20)\d\d)+|[1-9]\d(?:\D+\d\d)+")
_NORTH_AMERICAN = re.compile(r"1?[2-9]\d{2}[2-9]\d{6}")


class Cleaner:
    """Marks and scrubs arrivals by the settings of a project. Bounded memory; not shared by threads.

    Args:
        intake: the settings.
        sensitive: gives a category where words tell a sensitive need; such words never reach the log.
    """

    def __init__(self, intake: Intake, sensitive: Callable[[str], str | None]) -> None:
        self._intake = intake
        self._sensitive = sensitive
        self._agents: dict[str, bool] = {}
        self._internal_ips: dict[str, bool] = {}
        self._networks = tuple(ip_network(text, strict=False) for text in intake.internal_ips)
        self._internal_ids = frozenset(intake.internal_ids)
        self._domains = tuple(f"@{domain.lower().lstrip('@')}" for domain in intake.internal_domains)
        self._watch_people = bool(self._internal_ids or self._domains or self._networks)
        self._rates: dict[str | None, list[int]] = {}

    def clean(self, arrival: Arrival, *, agent: str = "", ip: str = "") -> Arrival:
        """The arrival with its marks, its free text scrubbed.

        Args:
            arrival: what a door took.
            agent: the request's user agent.
            ip: the sender's address.
        """
        event, body, marks = arrival.event, arrival.body, arrival.marks
        properties, context = event.properties, event.context
        said = context.get("userAgent") or agent
        if said:
            known = self._agents.get(said) if type(said) is str else None
            if known or (known is None and self._is_crawler(said, said is agent)):
                marks |= BOT
        # More in a minute of event time than people do. The counts are changed in place: this runs for every event.
        key, minute = event.anonymous_id or event.user_id, arrival.occurred // MINUTE
        rate = self._rates.get(key)
        if rate is None or rate[0] != minute:
            self._count_from(key, minute)
        else:
            rate[1] += 1
            if rate[1] > self._intake.max_events_per_minute:
                marks |= BOT
        if self._watch_people and self._is_internal(event, ip):
            marks |= INTERNAL
        if self._intake.test_property in properties and _is_true(properties[self._intake.test_property]):
            marks |= TEST
        if self._intake.scrub and (
            (context and (b"@" in body or (b"%" in body and b"%40" in body)))
            or (not FREE_TEXT.isdisjoint(properties) and _may_need_scrub(properties))
        ):
            event, body = scrub(event, body)
        if self._intake.scrub and self._tells(event):
            event, body = withhold(event, body, self._sensitive)
        if context.get("simulated") is True:
            marks |= SIMULATED
        if marks == arrival.marks and event is arrival.event:
            return arrival
        return msgspec.structs.replace(arrival, event=event, body=body, marks=marks)

    def _tells(self, event: Event) -> bool:
        """Whether something typed tells a sensitive need, by itself or in the address of the page that it led to."""
        properties, page = event.properties, event.context.get("page")
        if not FREE_TEXT.isdisjoint(properties) and any(
            type(value) is not str or (value and self._sensitive(value))
            for key, value in properties.items()
            if key in FREE_TEXT
        ):
            return True
        return any(
            isinstance(asked := bag.get("search"), str) and "=" in asked and self._sensitive(typed(asked))
            for bag in (properties, page)
            if isinstance(bag, dict)
        )

    def warm(self) -> None:
        """Load the kept list and the sensitive words now, so that no request waits for them (about 0.15 s)."""
        self._listed("Mozilla/5.0")
        self._sensitive("shoes")

    @staticmethod
    def _listed(agent: str) -> bool:
        return bool(import_module("crawleruseragents").is_crawler(agent))

    def _is_crawler(self, agent: object, by_request: bool) -> bool:
        """Whether a user agent is on the kept list.

        The request's own agent is asked only where it is a browser's: servers of the business send events too, with
        libraries (``python-requests``, ``Go-http-client``) that the list knows as scripts.
        """
        if not isinstance(agent, str):
            return False
        verdict = self._listed(agent[:_MAX_AGENT]) if agent.startswith("Mozilla/") or not by_request else False
        if len(self._agents) >= _MAX_AGENTS:
            self._agents.clear()
        if len(agent) <= _MAX_AGENT:
            self._agents[agent] = verdict
        return verdict

    def _count_from(self, key: str | None, minute: int) -> None:
        if len(self._rates) >= _MAX_RATES:
            self._rates.clear()
        self._rates[key] = [minute, 1]

    def _is_internal(self, event: Event, ip: str) -> bool:
        if event.user_id in self._internal_ids or event.anonymous_id in self._internal_ids:
            return True
        if self._domains and any(_email(bag).endswith(self._domains) for bag in _bags(event)):
            return True
        if not self._networks:
            return False
        own = event.context.get("ip")
        return self._is_internal_ip(own if isinstance(own, str) else ip)

    def _is_internal_ip(self, text: str) -> bool:
        known = self._internal_ips.get(text) if len(text) <= _MAX_IP else False
        if known is None:
            try:
                address = ip_address(text)
                known = any(address in network for network in self._networks)
            except ValueError:
                known = False
            if len(self._internal_ips) >= _MAX_AGENTS:
                self._internal_ips.clear()
            self._internal_ips[text] = known
        return known


def _may_need_scrub(properties: dict[str, Any]) -> bool:
    """Whether any free text could hold contact data: an @, or eight digits close together. Never wrongly no."""
    return any(
        not isinstance(value, str) or _HINT.search(value) is not None
        for key, value in properties.items()
        if key in FREE_TEXT
    )


def scrub(event: Event, body: bytes) -> tuple[Event, bytes]:
    """The event and its body with e-mails, phone, card and account numbers taken out of free text; the same objects if
    there are none.

    The words are replaced by ``[email]``, ``[phone]``, ``[card]`` and ``[account]``.
    """
    properties = {k: scrubbed(v) if k in FREE_TEXT else v for k, v in event.properties.items()}
    if event.type in ("page", "screen"):
        properties = _scrub_addresses(properties)
    context = event.context
    page = context.get("page")
    if isinstance(page, dict):
        context = {**context, "page": _scrub_addresses(page)}
    if properties == event.properties and context == event.context:
        return event, body
    payload = decode_any(body)
    if properties:
        payload["properties"] = properties
    if context:
        payload["context"] = context
    return msgspec.structs.replace(event, properties=properties, context=context), encode(payload)


def withhold(event: Event, body: bytes, sensitive: Callable[[str], str | None]) -> tuple[Event, bytes]:
    """The event and its body without the words that tell a sensitive need; the same objects if none do.

    Free text is replaced whole by ``WITHHELD``, and with it the addresses and titles of the page, which mostly repeat
    it.
    """
    asked = event.properties
    properties = {k: _withheld(v, sensitive) if k in FREE_TEXT else v for k, v in asked.items()}
    page = event.context.get("page")
    search = [bag.get("search") for bag in (asked, page) if isinstance(bag, dict)]
    if properties == asked and not any(isinstance(s, str) and sensitive(typed(s)) for s in search):
        return event, body
    context = event.context
    if event.type in ("page", "screen"):
        properties = {k: WITHHELD if k in _ADDRESSES and v else v for k, v in properties.items()}
    if isinstance(page, dict):
        context = {**context, "page": {k: WITHHELD if k in _ADDRESSES and v else v for k, v in page.items()}}
    payload = decode_any(body)
    if properties:
        payload["properties"] = properties
    if context:
        payload["context"] = context
    return msgspec.structs.replace(event, properties=properties, context=context), encode(payload)


def _withheld(value: Any, sensitive: Callable[[str], str | None]) -> Any:
    """A free-text value, or ``WITHHELD``; lists and objects within it part by part."""
    if isinstance(value, str):
        return WITHHELD if value and sensitive(value) else value
    if isinstance(value, list):
        return [_withheld(one, sensitive) for one in value]
    if isinstance(value, dict):
        return {key: _withheld(one, sensitive) for key, one in value.items()}
    return value


def typed(search: str) -> str:
    """The values of an address's query, as words.

    >>> typed("?q=am+i+pregnant&page=2")
    'am i pregnant 2'
    """
    return " ".join(value for _, value in parse_qsl(search.lstrip("?"), max_num_fields=None)[:20])


def scrubbed(value: Any) -> Any:
    """A free-text value without contact data; lists and objects within it too."""
    if isinstance(value, str):
        return scrub_text(value)
    if isinstance(value, list):
        return [scrubbed(one) for one in value]
    if isinstance(value, dict):
        return {key: scrubbed(one) for key, one in value.items()}
    return value


def scrub_text(text: str) -> str:
    """Text without e-mail addresses, and without phone, card and account numbers.

    Cards are known by their issuer's range and check digit (Luhn), accounts by their country's length and check digits
    (IBAN); phones by a leading +, 0 or bracket, by groups, by a word before them, or by the North American form.
    Barcodes, books' and models' numbers, years, dates and network addresses stay.

    >>> scrub_text("from GB82 WEST 1234 5698 7654 32 for isbn 978-3-16-148410-0")
    'from [account] for isbn 978-3-16-148410-0'
    """
    if "@" in text or "%40" in text:
        text = _EMAIL.sub("[email]", text)
    if sum(map(text.count, "0123456789")) < 8:
        return text
    return _NUMBER.sub(_replace_number, _IBAN.sub(_replace_account, text))


def luhn(digits: str) -> bool:
    """Whether the last digit checks (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _replace_account(match: re.Match[str]) -> str:
    """The match with the account's number at its beginning replaced, where it is one (check digits by ISO 7064)."""
    said = match.group()
    left = _IBAN_LENGTHS.get(said[:2].upper(), 0)
    for end, character in enumerate(said):
        left -= character != " "
        if not left:
            number = said[: end + 1].replace(" ", "")
            whole = not said[end + 1 : end + 2].isalnum() and number.isascii()
            checks = whole and int("".join(str(int(c, 36)) for c in number[4:] + number[:4])) % 97 == 1
            return f"[account]{said[end + 1 :]}" if checks else said
    return said


def gtin13(digits: str) -> bool:
    """Whether these are the 13 digits of a product or a book, by the check digit (GS1)."""
    return len(digits) == 13 and sum(int(d) * (1 + 2 * (n % 2)) for n, d in enumerate(digits)) % 10 == 0


def _replace_number(match: re.Match[str]) -> str:
    said = match.group()
    digits = "".join(filter(str.isdecimal, said))
    if not digits.isascii():
        return said
    if _CARD.fullmatch(digits) and luhn(digits):
        return "[card]"
    if _DATE_OR_ADDRESS.match(said) or not 8 <= len(digits) <= 15:
        return said
    marked = said.startswith(("+", "00", "(", "0"))
    if not marked and (gtin13(digits) or _YEARS_OR_PAIRS.fullmatch(said)):
        return said
    grouped = len(re.findall(r"\d+", said)) >= 3 and len(digits) >= 9
    if marked or grouped or _CALLED.search(match.string, 0, match.start()) or _NORTH_AMERICAN.fullmatch(digits):
        return "[phone]"
    return said


def _scrub_addresses(bag: dict[str, Any]) -> dict[str, Any]:
    """E-mails only: the numbers in an address are mostly ids."""
    return {k: _EMAIL.sub("[email]", v) if k in _ADDRESSES and isinstance(v, str) else v for k, v in bag.items()}


def _bags(event: Event) -> tuple[dict[str, Any], ...]:
    told = event.context.get("traits")
    return (event.traits, event.properties, told if isinstance(told, dict) else {})


def _email(bag: dict[str, Any]) -> str:
    value = bag.get("email")
    return value.lower() if isinstance(value, str) else ""


def _is_true(value: object) -> bool:
    return value is True or value == 1 or (isinstance(value, str) and value.lower() in ("true", "1", "yes", "test"))
