"""LMDI-I: the difference of two products shared among their factors, exactly, to the byte.

Ang 2004 (doi 10.1016/S0301-4215(03)00076-4) says why this one of many ways, Ang 2015 (doi
10.1016/j.enpol.2015.07.007) how; Ang and Liu 2007 (doi 10.1016/j.enpol.2005.11.001) what zeros are.
docs/diff-buckets.md says it in our words.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from decimal import Context, Decimal
from fractions import Fraction
from typing import TypeVar

_Name = TypeVar("_Name", bound=Hashable)

# A context of our own: what a caller sets for the thread moves no byte.
_CONTEXT = Context(prec=50)
_CERTAIN = Decimal("1e-25")
"""Bytes below 2^63 have 19 digits before the point; of the 31 behind it so many are believed."""


def log_ratio(a: Fraction, b: Fraction) -> Decimal:
    """Return ln(a / b) with 50 digits, exactly the opposite of ln(b / a).

    Raises
    ------
    ValueError
        One of them is not above 0.

    >>> log_ratio(Fraction(2), Fraction(1)) == log_ratio(Fraction(1), Fraction(2)).copy_negate()
    True
    """
    if a <= 0 or b <= 0:
        raise ValueError(f"no logarithm of the ratio of {a} and {b}: both must be above 0")
    return _CONTEXT.subtract(_log_of_whole(a.numerator * b.denominator), _log_of_whole(b.numerator * a.denominator))


def _log_of_whole(number: int) -> Decimal:
    return _CONTEXT.ln(_CONTEXT.create_decimal(number))


def share_out(a: Mapping[_Name, Fraction], b: Mapping[_Name, Fraction]) -> dict[_Name, int]:
    """Return what each factor makes of `product of a - product of b`, in whole units that sum to it exactly.

    Swapping a and b turns every sign; the order of the factors does not matter; a factor that is the same in both
    makes nothing. Where one product is 0 all goes to the factors that are 0 in it, in equal parts; where both are,
    every factor makes nothing. Where the products are equal, what factors make cancels out.

    Parameters
    ----------
    a, b
        The same names in both; not below 0; each product is a whole number.

    Raises
    ------
    ValueError
        They are not so.

    >>> two_bytes = {"voxels": Fraction(100), "bytes_per_voxel": Fraction(2), "compression": Fraction(1)}
    >>> share_out(two_bytes, {**two_bytes, "bytes_per_voxel": Fraction(1)})
    {'voxels': 0, 'bytes_per_voxel': 100, 'compression': 0}
    """
    if a.keys() != b.keys():
        raise ValueError(f"factors differ: {sorted(map(str, a))} and {sorted(map(str, b))}")
    product_a, product_b = _whole_product(a), _whole_product(b)
    return round_to_sum(_terms(a, b, product_a, product_b), product_a - product_b)


def round_to_sum(terms: Mapping[_Name, Decimal], total: int) -> dict[_Name, int]:
    """Return the terms as whole numbers that sum to `total`, which is what the terms sum to but for their digits.

    Each is cut toward zero; what is missing is given, one by one, to the terms that are not 0 and were cut the most,
    ties by name.

    Raises
    ------
    ValueError
        The terms do not sum to `total`.

    >>> round_to_sum({"x": Decimal("1.4"), "y": Decimal("1.6"), "z": Decimal(0)}, 3)
    {'x': 1, 'y': 2, 'z': 0}
    >>> share_out({"codec": Fraction(8), "padding": Fraction(1)}, {"codec": Fraction(2), "padding": Fraction(2)})
    {'codec': 8, 'padding': -4}
    """
    # Of 50 digits the last ones are not certain: 7.99...9 is the 8 that logarithms of 8 and 4 make.
    terms = {name: _CONTEXT.quantize(term, _CERTAIN) for name, term in terms.items()}
    cut = {name: int(term) for name, term in terms.items()}
    missing = total - sum(cut.values())
    step = 1 if missing > 0 else -1
    lost = {name: step * _CONTEXT.subtract(term, Decimal(cut[name])) for name, term in terms.items() if term}
    if abs(missing) > len(lost):
        raise ValueError(f"terms that sum to {sum(terms.values())} cannot be rounded to sum to {total}")
    for name in sorted(lost, key=lambda name: (-lost[name], str(name)))[: abs(missing)]:
        cut[name] += step
    return cut


def _whole_product(factors: Mapping[_Name, Fraction]) -> int:
    product = math.prod(factors.values(), start=Fraction(1))
    if product.denominator != 1 or any(factor < 0 for factor in factors.values()):
        raise ValueError(f"factors must not be below 0, and give a whole number: {dict(factors)}")
    return product.numerator


def _terms(
    a: Mapping[_Name, Fraction], b: Mapping[_Name, Fraction], product_a: int, product_b: int
) -> dict[_Name, Decimal]:
    if not product_a or not product_b:
        return _terms_of_zero(a if not product_a else b, product_a - product_b)
    weight = _log_mean(product_a, product_b)
    return {
        name: Decimal(0) if a[name] == b[name] else _CONTEXT.multiply(weight, log_ratio(a[name], b[name])) for name in a
    }


def _terms_of_zero(side: Mapping[_Name, Fraction], difference: int) -> dict[_Name, Decimal]:
    """Return the terms where one product is 0: the limit of factors that go to 0 side by side."""
    n_zeros = sum(factor == 0 for factor in side.values())
    part = _CONTEXT.divide(Decimal(difference), Decimal(n_zeros))
    return {name: Decimal(0) if factor else part for name, factor in side.items()}


def _log_mean(a: int, b: int) -> Decimal:
    """Return L(a, b) = (a - b) / ln(a / b), and L(a, a) = a."""
    if a == b:
        return _CONTEXT.create_decimal(a)
    return _CONTEXT.divide(Decimal(a - b), log_ratio(Fraction(a), Fraction(b)))
