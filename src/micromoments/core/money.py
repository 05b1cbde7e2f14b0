"""Amounts as senders write them, in whole minor units. Decimal arithmetic throughout: no binary fraction of a cent."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

#: Digits after the point of the currencies that don't have two (ISO 4217, list one, column "Minor unit").
DIGITS = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),  # noqa: SIM905
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),  # noqa: SIM905 a list of words reads as words
    "CLF": 4,
    "UYW": 4,
}
#: Currencies that are written with the sign, or called by the name, of a better known one: dollars and pesos, pounds,
#: yuan, rupees (Unicode CLDR, "narrow" symbols).
_ALIKE = {
    "USD": "ARS AUD BBD BMD BND BSD BZD CAD CLP COP CUP DOP FJD GYD HKD JMD KYD LRD MXN NAD NZD SBD SGD SRD TTD TWD "
    "UYU XCD",
    "GBP": "EGP FKP GIP LBP SDG SHP SSP SYP",
    "JPY": "CNY",
    "INR": "LKR MUR NPR PKR SCR",
}
_SHARED = {code: frozenset(others.split()) for code, others in _ALIKE.items()}
_MOST_DIGITS = 15
"""Amounts with more digits before the point are a sender's mistake."""
_MOST_UNITS = 2**63 - 1
"""A column of facts holds no more: an amount of fifteen digits in a currency of four after the point may pass it."""


def minor(amount: object, currency: str) -> int | None:
    """An amount in major units as whole minor units, rounded half to even.

    Args:
        amount: a number or its decimal text, such as ``89``, ``89.9`` or ``"89.90"``.
        currency: an ISO 4217 code; any that isn't known has two digits.

    Returns:
        The minor units, or None for what is not a finite amount of at most fifteen digits before the point that fits
        64 bits.
    """
    if isinstance(amount, bool) or not isinstance(amount, int | float | str | Decimal):
        return None
    try:
        exact = Decimal(str(amount)) if not isinstance(amount, str) else Decimal(amount.strip())
    except (InvalidOperation, ValueError):
        return None
    if not exact.is_finite() or (exact and exact.adjusted() >= _MOST_DIGITS):
        return None
    units = int(exact.scaleb(DIGITS.get(currency.upper(), 2)).to_integral_value(rounding=ROUND_HALF_EVEN))
    return units if -_MOST_UNITS <= units <= _MOST_UNITS else None


def meant(code: str, own: str) -> str:
    """The currency that a sign or a name means: ``own`` where that is written alike, else the best known.

    >>> meant("USD", "AUD"), meant("USD", "EUR"), meant("JPY", "CNY"), meant("EUR", "USD")
    ('AUD', 'USD', 'CNY', 'EUR')
    """
    return own if own in _SHARED.get(code, ()) else code


def beside(amount: int, currency: str, wanted: str) -> float | None:
    """An amount in minor units of its currency, to be held against bounds in those of ``wanted``; None where that is
    another. Bounds of which nobody named a currency (``wanted`` empty) are hundredths of whichever it is.

    >>> beside(8000, "JPY", ""), beside(8000, "EUR", ""), beside(8000, "EUR", "USD")
    (800000.0, 8000.0, None)
    """
    if wanted:
        return amount if currency == wanted else None
    return float(amount * 100 / 10 ** DIGITS.get(currency, 2))
