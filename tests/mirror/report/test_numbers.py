"""How numbers read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.report.numbers import Units, format_bytes, format_seconds, format_share


@pytest.mark.parametrize(
    ("n_bytes", "units", "text"),
    [
        pytest.param(999, Units.SI, "999 B", id="bytes stay whole"),
        pytest.param(1000, Units.SI, "1.0 kB", id="first step"),
        pytest.param(999_949, Units.SI, "999.9 kB", id="just below the next"),
        pytest.param(999_951, Units.SI, "1.0 MB", id="rounds into the next"),
        pytest.param(1_310_000_000_000, Units.SI, "1.3 TB", id="terabytes"),
        pytest.param(5 * 10**18, Units.SI, "5,000.0 PB", id="beyond the last unit"),
        pytest.param(1023, Units.IEC, "1023 B", id="iec bytes"),
        pytest.param(122_265_600_000, Units.IEC, "113.9 GiB", id="iec"),
    ],
)
def test_bytes(n_bytes: int, units: Units, text: str) -> None:
    """Bytes are told with one digit behind the point, in the units that are asked for."""
    assert format_bytes(n_bytes, units) == text


@given(st.integers(0, 10**17), st.sampled_from(Units))
def test_bytes_are_never_wide(n_bytes: int, units: Units) -> None:
    """No number of bytes below 100 PB takes more than eleven columns, in GB nine; none reads 1000.0 kB."""
    text = format_bytes(n_bytes, units)
    assert len(text) <= (9 if units is Units.SI else 11)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        pytest.param(0, "0.0 s", id="at once"),
        pytest.param(9.96, "10 s", id="rounds up"),
        pytest.param(59.6, "1 min 0 s", id="a minute"),
        pytest.param(3599.7, "1 h 0 min", id="an hour"),
        pytest.param(86_400, "1 d 0 h", id="a day"),
    ],
)
def test_seconds(seconds: float, text: str) -> None:
    """Time is told in its two largest units, rounded without ever saying 60."""
    assert format_seconds(seconds) == text


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_only_the_whole_is_all(part: int, whole: int) -> None:
    """100 % is said of the whole alone, 0 % of nothing alone."""
    text = format_share(min(part, whole), whole)
    assert (text == "100 %") == (part >= whole)
    assert (text == "0 %") == (part == 0)
