"""What a `traceparent` says, by the words of the standard."""

from __future__ import annotations

import pytest

from microservice_chassis.edge.trace_context import TraceContext, trace_context

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


def read(*values: str) -> TraceContext | None:
    return trace_context([(b"traceparent", value.encode()) for value in values])


@pytest.mark.parametrize(
    ("value", "sampled"),
    [
        (f"00-{TRACE}-{PARENT}-01", True),
        (f"00-{TRACE}-{PARENT}-00", False),
        (f"00-{TRACE}-{PARENT}-ff", True),
        (f" 00-{TRACE}-{PARENT}-02\t", False),
        (f"01-{TRACE}-{PARENT}-01", True),
        (f"cc-{TRACE}-{PARENT}-01-what-will-be", True),
    ],
)
def test_a_well_formed_one_is_read(value: str, sampled: bool) -> None:
    assert read(value) == TraceContext(TRACE, PARENT, sampled)


@pytest.mark.parametrize(
    "value",
    [
        "",
        TRACE,
        f"ff-{TRACE}-{PARENT}-01",
        f"0-{TRACE}-{PARENT}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-1",
        f"00-{TRACE}-{PARENT}-0g",
        f"00-{TRACE}-{PARENT}-01-more",
        f"01-{TRACE}-{PARENT}-01more",
        f"00-{TRACE[:-1]}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01, 00-{TRACE}-{PARENT}-01",
    ],
)
def test_any_other_is_as_if_there_were_none(value: str) -> None:
    assert read(value) is None


def test_none_and_more_than_one_are_no_trace() -> None:
    assert read() is None
    assert read(f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-01") is None
