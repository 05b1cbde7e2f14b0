"""Currencies: ISO 4217 codes and how many digits stand after the point. Amounts are whole minor units, always."""

from __future__ import annotations

from decimal import Decimal

_NONE = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())  # noqa: SIM905
_THREE = frozenset("BHD IQD JOD KWD LYD OMR TND".split())  # noqa: SIM905


def digits(currency: str) -> int:
    """Digits after the point of a currency.

    Raises:
        ValueError: it isn't three capital letters.

    >>> digits("EUR"), digits("JPY"), digits("KWD")
    (2, 0, 3)
    """
    if len(currency) != 3 or not currency.isascii() or not currency.isalpha() or not currency.isupper():
        raise ValueError(f"got currency {currency!r}; wanted an ISO 4217 code, such as EUR")
    return 0 if currency in _NONE else 3 if currency in _THREE else 2


def major(amount: int, currency: str) -> float:
    """Minor units in major ones, as events carry them.

    >>> major(1250, "EUR"), major(1250, "JPY")
    (12.5, 1250.0)
    """
    return float(Decimal(amount).scaleb(-digits(currency)))


def share(amount: int, percent: int) -> int:
    """So many percent of an amount, rounded down: in doubt it is the customer's.

    >>> share(999, 10)
    99
    """
    return amount * percent // 100
