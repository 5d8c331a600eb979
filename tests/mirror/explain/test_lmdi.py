"""A difference of products shared among factors, against a naive second implementation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mirror.explain.lmdi import log_ratio, round_to_sum, share_out

Factors = dict[str, Fraction]
NAMES = ("bytes_per_voxel", "compression", "edge_padding", "voxels")
_LARGEST = 2**63 - 1


@st.composite
def _factors(draw: st.DrawFn) -> Factors:
    """Voxels, bytes a voxel, padding, and whatever compression makes of them the payload."""
    voxels = draw(st.integers(1, 10**12))
    n_bytes = draw(st.sampled_from([1, 2, 4, 8]))
    padding = draw(st.fractions(1, 8, max_denominator=1000))
    payload = draw(st.integers(0, 9) | st.integers(0, _LARGEST))
    stored = voxels * n_bytes * padding
    values = (Fraction(n_bytes), payload / stored, padding, Fraction(voxels))
    return dict(zip(NAMES, values, strict=True))


def _product(factors: Mapping[str, Fraction]) -> int:
    product = math.prod(factors.values(), start=Fraction(1))
    assert product.denominator == 1
    return product.numerator


def _naive(a: Factors, b: Factors) -> dict[str, int]:
    """Share out with 80 digits, the quotients first, and try every way to hand out what rounding leaves."""
    with localcontext() as context:
        context.prec = 80
        product_a, product_b = _product(a), _product(b)
        if not product_a or not product_b:
            zero = [name for name in a if (a if not product_a else b)[name] == 0]
            terms = {name: Decimal(product_a - product_b) / len(zero) * (name in zero) for name in a}
        else:
            quotient = Decimal(product_a) / product_b
            mean = Decimal(product_a) if quotient == 1 else (product_a - product_b) / quotient.ln()
            terms = {name: mean * _decimal(a[name] / b[name]).ln() for name in a}
        # A term that is whole comes out as whole: 3 / ln 2 times ln 8 is 9, and not 8.999...
        whole = {name: term.quantize(Decimal("1e-40")) for name, term in terms.items()}
        return _hand_out(whole, product_a - product_b)


def _decimal(number: Fraction) -> Decimal:
    return Decimal(number.numerator) / number.denominator


def _hand_out(terms: Mapping[str, Decimal], total: int) -> dict[str, int]:
    cut = {name: math.trunc(term) for name, term in terms.items()}
    missing = total - sum(cut.values())
    step = 1 if missing > 0 else -1
    moving = sorted(name for name, term in terms.items() if term)
    best = max(
        combinations(moving, abs(missing)),
        key=lambda chosen: (
            sum(step * (terms[name] - cut[name]) for name in chosen),
            [-NAMES.index(n) for n in chosen],
        ),
    )
    return {name: n + step * (name in best) for name, n in cut.items()}


@settings(deadline=None)
@given(_factors(), _factors())
def test_sums_are_exact_and_agree_with_a_naive_implementation(a: Factors, b: Factors) -> None:
    """What factors make sums to the difference, to the byte, and is what the formula gives with more digits."""
    made = share_out(a, b)
    assert sum(made.values()) == _product(a) - _product(b)
    assert made == _naive(a, b)


@settings(deadline=None)
@given(_factors(), _factors(), st.permutations(NAMES))
def test_the_order_of_factors_does_not_matter(a: Factors, b: Factors, order: list[str]) -> None:
    """Whatever order the factors come in, each makes the same."""
    assert share_out({name: a[name] for name in order}, {name: b[name] for name in order}) == share_out(a, b)


@settings(deadline=None)
@given(_factors(), _factors())
def test_swapping_turns_every_sign(a: Factors, b: Factors) -> None:
    """B less A is A less B with every sign turned."""
    assert share_out(b, a) == {name: -made for name, made in share_out(a, b).items()}


@settings(deadline=None)
@given(_factors(), _factors(), st.sampled_from(NAMES))
def test_a_factor_that_is_the_same_makes_nothing(a: Factors, b: Factors, same: str) -> None:
    """Equal factors make 0, whatever the others do."""
    both = {**b, same: a[same]}
    if same == "compression":
        both = {**a, "bytes_per_voxel": a["bytes_per_voxel"] * 2}
    else:
        both["compression"] = 7 / math.prod((both[name] for name in NAMES if name != "compression"), start=Fraction(1))
    assert share_out(a, both)[same] == 0


@settings(deadline=None)
@given(_factors())
def test_the_same_makes_nothing(a: Factors) -> None:
    """Nothing differs, nothing is made."""
    assert not any(share_out(a, a).values())


@settings(deadline=None)
@given(_factors(), st.sampled_from(["a", "b"]))
@example(dict(zip(NAMES, map(Fraction, (2, 1, 1, 5)), strict=True)), "a")
def test_where_one_product_is_0_all_goes_to_what_is_0(known: Factors, side: str) -> None:
    """A payload of 0 on one side is the factor's that is 0."""
    nothing = {**known, "compression": Fraction(0), "bytes_per_voxel": Fraction(8)}
    made = share_out(nothing, known) if side == "a" else share_out(known, nothing)
    expected = -_product(known) if side == "a" else _product(known)
    assert made == {**dict.fromkeys(NAMES, 0), "compression": expected}


def test_several_factors_that_are_0_share_alike() -> None:
    """Two that go to 0 side by side make half each; what cannot be halved goes by name."""
    made = share_out({"x": Fraction(0), "y": Fraction(0)}, {"x": Fraction(3), "y": Fraction(5)})
    assert made == {"x": -8, "y": -7}


def test_where_both_products_are_0_nothing_is_made() -> None:
    """0 against 0 differs by nothing, also where other factors differ."""
    a, b = {"x": Fraction(0), "y": Fraction(3)}, {"x": Fraction(2), "y": Fraction(0)}
    assert share_out(a, b) == {"x": 0, "y": 0}


def test_where_products_are_equal_terms_cancel() -> None:
    """Twice the bytes and half of them left is no difference, and both are told."""
    a, b = {"x": Fraction(2), "y": Fraction(500)}, {"x": Fraction(1), "y": Fraction(1000)}
    made = share_out(a, b)
    assert made["x"] == -made["y"] == round(1000 * math.log(2))


BAD: dict[str, tuple[Factors, Factors]] = {
    "other names": ({"x": Fraction(1)}, {"y": Fraction(1)}),
    "no whole number": ({"x": Fraction(1, 2)}, {"x": Fraction(1)}),
    "below 0": ({"x": Fraction(-1)}, {"x": Fraction(1)}),
}


@pytest.mark.parametrize(("a", "b"), BAD.values(), ids=BAD.keys())
def test_what_is_no_product_is_refused(a: Factors, b: Factors) -> None:
    """Factors of other names, of no whole product or below 0 are an error, not a number."""
    with pytest.raises(ValueError, match="factors"):
        share_out(a, b)


def test_terms_that_do_not_sum_are_refused() -> None:
    """Rounding mends digits, never a sum."""
    with pytest.raises(ValueError, match="cannot be rounded"):
        round_to_sum({"x": Decimal("1.5")}, 7)


@settings(deadline=None)
@given(st.fractions(min_value=Fraction(1, 10**30), max_value=10**30), st.fractions(Fraction(1, 10**30), 10**30))
def test_logarithms_turn_their_sign(a: Fraction, b: Fraction) -> None:
    """ln(a / b) is exactly the opposite of ln(b / a)."""
    assert log_ratio(a, b) == log_ratio(b, a).copy_negate()


def test_a_logarithm_of_0_is_refused() -> None:
    """There is none."""
    with pytest.raises(ValueError, match="above 0"):
        log_ratio(Fraction(0), Fraction(1))
