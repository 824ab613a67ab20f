from __future__ import annotations

import pytest

from tests.performance import wrk

SAID = """\
Running 5s test @ http://127.0.0.1:8000
  12 threads and 12 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    15.33ms   12.25ms  87.91ms   81.63%
    Req/Sec    71.57     20.05   151.00     69.55%
  Latency Distribution
     50%  900.00us
     75%   20.33ms
     90%   31.08ms
     99%    1.05s
  4312 requests in 5.02s, 61.77MB read
"""
RATES = """\
Requests/sec:    859.45
Transfer/sec:     12.31MB
"""


def test_what_wrk_measured_is_read_in_milliseconds() -> None:
    result = wrk.read(SAID + RATES)
    assert result == pytest.approx((859.45, 15.33, 1050.0, 0, 4312))


def test_errors_are_refusals_and_broken_connections() -> None:
    errors = "  Socket errors: connect 1, read 2, write 3, timeout 4\n"
    refusals = "  Non-2xx or 3xx responses: 90\n"
    assert wrk.read(SAID + errors + RATES).errors == 10
    assert wrk.read(SAID + refusals + RATES).errors == 90
    assert wrk.read(SAID + errors + refusals + RATES).errors == 100
