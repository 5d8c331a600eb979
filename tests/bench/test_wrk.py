"""What wrk prints, read."""

from __future__ import annotations

import pytest

from bench.wrk import parse_rate
from mirror.errors import MirrorError

_GOOD = """\
Running 3s test @ http://127.0.0.1:23456
  1 threads and 64 connections
  193449 requests in 3.00s, 105.71MB read
Requests/sec:  64401.34
Transfer/sec:     35.19MB
"""


def test_rate_is_read() -> None:
    """Requests a second come back as a number."""
    assert parse_rate(_GOOD) == 64401.34


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param("  Non-2xx or 3xx responses: 100", id="errors"),
        pytest.param("  Socket errors: connect 0, read 3, write 0, timeout 0", id="sockets"),
    ],
)
def test_rate_with_errors_in_it_is_none(fault: str) -> None:
    """A rate of error pages is not taken for one of objects."""
    with pytest.raises(MirrorError, match=fault.strip()):
        parse_rate(_GOOD.replace("Requests/sec", f"{fault}\nRequests/sec"))


def test_output_without_a_rate_is_an_error() -> None:
    """What cannot be read is quoted."""
    with pytest.raises(MirrorError, match="unable to connect"):
        parse_rate("unable to connect to 127.0.0.1:1 Connection refused\n")
