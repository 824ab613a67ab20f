"""The origin of a service, as PUBLIC_URL, a request, or the proxies in front of it say it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microservice_chassis.edge.asgi import Scope
from microservice_chassis.edge.origin import Origins

PROXIES = Origins(proxies="10.0.0.0/8,127.0.0.1/32,fd00::/8")
OUTSIDE = "203.0.113.9"


def scope(peer: str | None = "127.0.0.1", host: str | None = "service:8080", **said: str) -> Scope:
    """A request; `said` are headers, whose names have _ for -."""
    fields = [(name.replace("_", "-"), value) for name, value in said.items()]
    if host is not None:
        fields.append(("host", host))
    return {
        "scheme": "http",
        "server": ("192.0.2.1", 8080),
        "client": None if peer is None else (peer, 50000),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in fields],
    }


def url(origins: Origins, asked: Scope) -> str:
    return origins.origin(asked).url


X_FORWARDED = {
    "x_forwarded_for": OUTSIDE,
    "x_forwarded_proto": "https",
    "x_forwarded_host": "example.org",
}


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("example.org", "http://example.org"),
        ("Example.ORG:81", "http://example.org:81"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("", "http://192.0.2.1:8080"),
        ("a!b", "http://192.0.2.1:8080"),
        ('a"><b', "http://192.0.2.1:8080"),
        (None, "http://192.0.2.1:8080"),
    ],
)
def test_without_a_proxy_the_request_says_it(host: str | None, expected: str) -> None:
    assert url(Origins(), scope(host=host, **X_FORWARDED)) == expected


def test_without_a_host_an_address_of_ipv6_has_brackets() -> None:
    asked = {**scope(host=None), "server": ("::1", 8080)}
    assert url(Origins(), asked) == "http://[::1]:8080"


def test_public_url_says_it_whoever_says_something_else() -> None:
    origins = Origins("https://example.org/eventpost", "127.0.0.1/32")
    asked = scope(host="evil.example", x_forwarded_host="evil.example", x_forwarded_prefix="/x")
    assert origins.origin(asked) == ("https://example.org", "/eventpost")
    assert origins.path(asked) == "/eventpost"
    assert not origins.path_varies


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.1.2.3", "fd00::1", "::ffff:127.0.0.1"])
def test_a_trusted_proxy_is_believed(peer: str) -> None:
    assert url(PROXIES, scope(peer, **X_FORWARDED)) == "https://example.org"
    forwarded = f'for={OUTSIDE};proto=https;host="example.org:8443"'
    assert url(PROXIES, scope(peer, forwarded=forwarded)) == "https://example.org:8443"


@pytest.mark.parametrize("peer", ["127.0.0.2", "11.0.0.1", OUTSIDE, "::1", "testclient", None])
def test_nobody_else_is_believed(peer: str | None) -> None:
    asked = scope(peer, **X_FORWARDED, x_forwarded_prefix="/evil")
    assert PROXIES.origin(asked) == ("http://service:8080", "")
    assert PROXIES.path(asked) == ""


FORWARDED = [
    # One proxy; a client has sent the first element by itself.
    (f"for=evil;host=evil.example, for={OUTSIDE};host=example.org", "http://example.org"),
    # Two proxies, the outer of which was asked for the public name.
    (
        f"for={OUTSIDE};proto=https;host=example.org, for=10.0.0.1;proto=http;host=inner",
        "https://example.org",
    ),
    (
        f"host=evil.example, for={OUTSIDE};proto=https;host=example.org, for=10.0.0.1;host=inner",
        "https://example.org",
    ),
    # The outer one says only who its client is.
    (f"for={OUTSIDE}, for=10.0.0.1;proto=https;host=example.org", "https://example.org"),
    ('for="[fd00::1]:4711";host=b, for="10.0.0.1:80";host=c', "http://b"),
    ("For=x;Proto=HTTPS;Host=Example.org", "https://example.org"),
    ("for=_hidden;host=b, for=unknown;host=c", "http://c"),
    ("host=a, host=b", "http://b"),
    ('for="10.0.0.1";host="a,b";proto=https', "https://service:8080"),
]


@pytest.mark.parametrize(("forwarded", "expected"), FORWARDED)
def test_of_several_hops_the_rightmost_that_is_not_trusted_counts(
    forwarded: str, expected: str
) -> None:
    assert url(PROXIES, scope(forwarded=forwarded)) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            {"for": f"9.9.9.9, {OUTSIDE}", "host": "evil.example, example.org"},
            "http://example.org",
        ),
        (
            {"for": f"{OUTSIDE}, 10.0.0.1", "proto": "https, http", "host": "example.org, inner"},
            "https://example.org",
        ),
        # The inner proxy passes on what the outer one has said.
        (
            {"for": f"{OUTSIDE}, 10.0.0.1", "proto": "https", "host": "example.org"},
            "https://example.org",
        ),
        ({"for": f"9.9.9.9, {OUTSIDE}, 10.0.0.1", "proto": "http, https"}, "http://service:8080"),
        ({"proto": "https"}, "https://service:8080"),
        ({"host": "example.org"}, "http://example.org"),
        ({"prefix": "/eventpost/"}, "http://service:8080/eventpost"),
    ],
)
def test_the_older_headers_mean_the_same(said: dict[str, str], expected: str) -> None:
    asked = scope(**{f"x_forwarded_{name}": value for name, value in said.items()})
    assert url(PROXIES, asked) == expected


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("proto", "gopher"),
        ("proto", "https://"),
        ("host", "a b"),
        ("host", "example.org/x"),
        ("host", 'example.org"'),
        ("host", "user@example.org"),
        ("host", "example.org:port"),
        ("host", "\xff"),
        ("prefix", "eventpost"),
        ("prefix", "//evil.example"),
        ("prefix", "/a//b"),
        ("prefix", "/a/../b"),
        ("prefix", '/"'),
        ("prefix", "/a?b"),
        ("prefix", "/a\\b"),
        ("prefix", "/%zz"),
    ],
)
def test_what_is_malformed_does_not_count(said: str, value: str) -> None:
    asked = scope(**{f"x_forwarded_{said}": value})
    assert PROXIES.origin(asked) == ("http://service:8080", "")


def test_both_kinds_at_once_do_not_count_as_one_may_be_the_clients() -> None:
    asked = scope(**X_FORWARDED, forwarded="host=evil.example")
    assert url(PROXIES, asked) == "http://service:8080"


def test_the_path_varies_only_where_proxies_are_believed() -> None:
    assert PROXIES.path_varies
    assert not Origins().path_varies
    assert PROXIES.path(scope(x_forwarded_prefix="/eventpost")) == "/eventpost"


@given(st.text(st.characters(max_codepoint=255)), st.text(st.characters(max_codepoint=255)))
def test_whatever_is_said_the_origin_is_one(said: str, older: str) -> None:
    for asked in (
        scope(forwarded=said),
        scope(x_forwarded_host=said, x_forwarded_prefix=older, x_forwarded_for=older),
        scope(host=said),
    ):
        base, path = PROXIES.origin(asked)
        assert base.startswith(("http://", "https://"))
        assert not set(base + path) & set("\"'<>\\ \r\n?#") - set("'")
        assert path == "" or path.startswith("/")
        assert not path.startswith("//")
