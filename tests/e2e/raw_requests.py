"""What the services answer to raw bytes, as a table.

A row is what a client sends on one connection before it closes its side, and the answers:
of each the status and, for a problem, a part of its detail.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from tests.examples import EVENT

EXAMPLE = json.dumps(EVENT).encode()


class Row(NamedTuple):
    """What is sent, and what comes back."""

    name: str
    request: bytes
    answers: tuple[str, ...]


def get(*fields: str, target: str = "/events", method: str = "GET", version: str = "1.1") -> bytes:
    """A request without a body."""
    lines = [f"{method} {target} HTTP/{version}", "Host: a", *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def post(*fields: str, body: bytes = EXAMPLE, target: str = "/events", length: int = -1) -> bytes:
    """A request with a body of that length, which is by itself the right one."""
    length = len(body) if length < 0 else length
    return get(f"Content-Length: {length}", *fields, target=target, method="POST") + body


def chunked(*chunks: bytes, fields: tuple[str, ...] = (), end: bytes = b"0\r\n\r\n") -> bytes:
    """A request with a body in chunks."""
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return get("Transfer-Encoding: chunked", *fields, method="POST") + body + end


def coded(coding: str) -> bytes:
    """A POST with this Transfer-Encoding, and the end of its chunks."""
    return get(f"Transfer-Encoding: {coding}", method="POST") + b"0\r\n\r\n"


def measured(length: str, body: bytes = b"{}") -> bytes:
    """A POST with this Content-Length."""
    return get(f"Content-Length: {length}", method="POST") + body


def bare(*lines: str) -> bytes:
    """A request without a body, of exactly these lines."""
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


LONG = b"x" * 66_000
CHUNKED = "Transfer-Encoding: chunked"
LIVE = get(target="/health/live")
HALVES = (EXAMPLE[:99], EXAMPLE[99:])
UPGRADE = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQ")
WEBSOCKET = ("Connection: keep-alive, Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
SYNTAX = "400 not valid HTTP/1.1"
BROKEN_OFF = "400 ended before it was complete"
TOO_LARGE = "431 100 fields and 65536 bytes"

REQUEST_LINES = [
    Row("GET", get(), ("200",)),
    Row("GET of HTTP/1.0", bare("GET /events HTTP/1.0"), ("200",)),
    Row("an empty line in front", b"\r\n" + get(), ("200",)),
    Row("nothing", b"", ()),
    Row("an empty line alone", b"\r\n", ()),
    Row("half a method", b"GE", (BROKEN_OFF,)),
    Row("half a target", b"GET /even", (BROKEN_OFF,)),
    Row("no version", bare("GET /events", "Host: a"), ("400 version",)),
    Row("no target", bare("GET HTTP/1.1", "Host: a"), (SYNTAX,)),
    Row("no method", bare("/events HTTP/1.1", "Host: a"), (SYNTAX,)),
    Row("a method in lower case", get(method="get"), (SYNTAX,)),
    Row("a method that nobody knows", get(method="BREW"), ("400",)),
    Row("a zero byte in the method", b"G\x00T /events HTTP/1.1\r\n\r\n", (SYNTAX,)),
    Row("HTTP/2.0", get(version="2.0"), ("400",)),
    Row("HTTP/0.9", get(version="0.9"), ("400",)),
    Row("HTTP/9.9", get(version="9.9"), (SYNTAX,)),
    Row("a version in lower case", bare("GET /events http/1.1", "Host: a"), (SYNTAX,)),
    Row("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ("400",)),
    Row("a greeting of TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", (SYNTAX,)),
    Row("another protocol", b"HELO example.com\r\n", (SYNTAX,)),
    Row("lines that end with LF alone", b"GET /events HTTP/1.1\nHost: a\n\n", (SYNTAX,)),
]

TARGETS = [
    Row("a query", get(target="/events?limit=1"), ("200",)),
    Row("a query that nobody knows", get(target="/events?colour=red"), ("400 colour",)),
    Row("a trailing slash", get(target="/events/"), ("200",)),
    Row("another path", get(target="/nothing"), ("404",)),
    Row("the root", get(target="/"), ("404",)),
    Row("an id that nobody has", get(target="/events/" + "0" * 24), ("404",)),
    Row("what is no id", get(target="/events/1"), ("404",)),
    Row("a percent-encoded path", get(target="/%65vents"), ("200",)),
    Row("a URL", get(target="http://a/events"), ("200",)),
    Row("a URL with https", get(target="https://a/events?limit=1"), ("200",)),
    Row("a URL without a path", get(target="http://a"), ("404",)),
    Row("a URL without a host", get(target="http://"), ("400",)),
    Row("a URL of something else", get(target="ftp://a/events"), ("400 target",)),
    Row("an asterisk", get(target="*", method="OPTIONS"), ("400 target",)),
    Row("a path without a slash", get(target="events"), ("400",)),
    Row("CONNECT", get(target="example.com:443", method="CONNECT"), ("400 target",)),
    Row("CONNECT to a path", get(target="/events", method="CONNECT"), ("400",)),
    Row("bytes that are not ASCII", b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n", (SYNTAX,)),
    Row("a control character", b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", (SYNTAX,)),
    Row("a space", get(target="/eve nts"), (SYNTAX,)),
    Row("60,000 characters", get(target="/" + "x" * 60_000), ("404",)),
    Row("70,000 characters", get(target="/" + "x" * 70_000), ("414 65536",)),
    Row("70,000 characters of a query", get(target="/events?x=" + "x" * 70_000), ("414 65536",)),
]

METHODS = [
    Row("HEAD", get(method="HEAD"), ("200",)),
    Row("HEAD of what is not there", get(method="HEAD", target="/nothing"), ("404",)),
    Row("HEAD of HTTP/2.0", get(method="HEAD", version="2.0"), ("400",)),
    Row("HEAD without a Host", bare("HEAD /events HTTP/1.1"), ("400",)),
    Row("HEAD with two Hosts", get("Host: a", method="HEAD"), ("400",)),
    Row("HEAD with a bad header", get("A b: c", method="HEAD"), ("400",)),
    Row("HEAD with too many fields", get(*["X: 1"] * 100, method="HEAD"), ("431",)),
    Row("HEAD with a long target", get(method="HEAD", target="/" + "x" * 70_000), ("414",)),
    Row("HEAD with an expectation", get("Expect: more", method="HEAD"), ("417",)),
    Row("OPTIONS", get(method="OPTIONS"), ("204",)),
    Row("PUT of the collection", get(method="PUT"), ("405",)),
    Row("PATCH of the collection", get(method="PATCH"), ("405",)),
    Row("DELETE of the collection", get(method="DELETE"), ("405",)),
    Row("POST to an item", post(target="/events/" + "0" * 24), ("405",)),
    Row("DELETE of nothing", get(method="DELETE", target="/events/" + "0" * 24), ("404",)),
]

HOSTS = [
    Row("none", bare("GET /events HTTP/1.1"), ("400 must have a Host",)),
    Row("none, with HTTP/1.0", bare("GET /events HTTP/1.0", "Accept: */*"), ("200",)),
    Row("none, with a URL", bare("GET http://a/events HTTP/1.1"), ("400 must have a Host",)),
    Row("two", get("Host: b"), ("400 one Host",)),
    Row("the same twice", get("Host: a"), ("400 one Host",)),
    Row("two, with HTTP/1.0", get("Host: b", version="1.0"), ("400 one Host",)),
    Row("an empty one", bare("GET /events HTTP/1.1", "Host:"), ("200",)),
    Row("a port", bare("GET /events HTTP/1.1", "Host: a:8080"), ("200",)),
    Row("an empty port", bare("GET /events HTTP/1.1", "Host: a:"), ("200",)),
    Row("IPv4", bare("GET /events HTTP/1.1", "Host: 127.0.0.1:80"), ("200",)),
    Row("IPv6", bare("GET /events HTTP/1.1", "Host: [::1]:80"), ("200",)),
    Row("a name with %XX", bare("GET /events HTTP/1.1", "Host: a%20b"), ("200",)),
    Row("IPv6 without brackets", bare("GET /events HTTP/1.1", "Host: ::1"), ("400 The Host",)),
    Row("half a bracket", bare("GET /events HTTP/1.1", "Host: [::1"), ("400 The Host",)),
    Row("a port that is none", bare("GET /events HTTP/1.1", "Host: a:b"), ("400 The Host",)),
    Row("a path", bare("GET /events HTTP/1.1", "Host: a/b"), ("400 The Host",)),
    Row("a user", bare("GET /events HTTP/1.1", "Host: b@a"), ("400 The Host",)),
    Row("a space", bare("GET /events HTTP/1.1", "Host: a b"), ("400 The Host",)),
    Row("a list", bare("GET /events HTTP/1.1", "Host: a, b"), ("400 The Host",)),
    Row("no ASCII", bare("GET /events HTTP/1.1", "Host: \xff"), ("400 The Host",)),
    Row("a % that encodes nothing", bare("GET /events HTTP/1.1", "Host: a%zz"), ("400 The Host",)),
]

HEADERS = [
    Row("99 more fields", get(*["X: 1"] * 99), ("200",)),
    Row("100 more fields", get(*["X: 1"] * 100), (TOO_LARGE,)),
    Row("10,000 more fields", get(*["X: 1"] * 10_000), (TOO_LARGE,)),
    Row("100 more fields, unfinished", get(*["X: 1"] * 100)[:-2] + b"X", (TOO_LARGE,)),
    Row("a field of 60,000 bytes", get("X: " + "x" * 60_000), ("200",)),
    Row("a field of 66,000 bytes", get("X: " + "x" * 66_000), (TOO_LARGE,)),
    Row("a field of 66,000 bytes, unfinished", get("X: " + "x" * 66_000)[:-3], (TOO_LARGE,)),
    Row("a field of 2 MB, unfinished", get("X: " + "x" * 2_000_000)[:-3], (TOO_LARGE,)),
    Row("ten fields of 7,000 bytes", get(*["X: " + "x" * 7_000] * 10), (TOO_LARGE,)),
    Row("a name of 66,000 bytes", get("X" * 66_000 + ": 1"), (TOO_LARGE,)),
    Row("an empty value", get("X:"), ("200",)),
    Row("no space behind the colon", get("Accept:*/*"), ("200",)),
    Row("bytes beyond ASCII in a value", get("X: \xe9"), ("200",)),
    Row("no colon", get("X"), (SYNTAX,)),
    Row("no name", get(": 1"), (SYNTAX,)),
    Row("a space in the name", get("A b: 1"), (SYNTAX,)),
    Row("a space in front of the colon", get("A : 1"), (SYNTAX,)),
    Row("a zero byte in the name", get("A\x00: 1"), (SYNTAX,)),
    Row("a zero byte in the value", get("A: \x00"), (SYNTAX,)),
    Row("a CR in the value", get("A: b\rc"), (SYNTAX,)),
    Row("a folded value", get("A: b", " c: \x00"), (SYNTAX,)),
    Row("a space in front of the first one", get()[:-9] + b" Host: a\r\n\r\n", (SYNTAX,)),
    Row("half a header", get("X: 1")[:-3], (BROKEN_OFF,)),
    Row("no empty line", get()[:-2], (BROKEN_OFF,)),
]

LENGTHS = [
    Row("the right one", post(), ("201",)),
    Row("one too small", post(length=10), ("400", SYNTAX)),
    Row("one too large", post(length=len(EXAMPLE) + 1), (BROKEN_OFF,)),
    Row("none", get(method="POST"), ("400 empty",)),
    Row("zero", post(body=b""), ("400 empty",)),
    Row("leading zeros", measured(f"00{len(EXAMPLE)}", EXAMPLE), ("201",)),
    Row("a minus", measured("-1"), (SYNTAX,)),
    Row("a plus", measured("+1"), (SYNTAX,)),
    Row("a word", measured("abc"), (SYNTAX,)),
    Row("a hexadecimal one", measured("0x10"), (SYNTAX,)),
    Row("an empty one", measured(""), (SYNTAX,)),
    Row("a list", measured("2, 2"), (SYNTAX,)),
    Row("two", post("Content-Length: 6"), (SYNTAX,)),
    Row("the same twice", post(f"Content-Length: {len(EXAMPLE)}"), (SYNTAX,)),
    Row("one of 30 digits", measured("9" * 30), (SYNTAX,)),
    Row("one beside chunks", post(CHUNKED), (SYNTAX,)),
    Row(
        "one beside chunks, to GET",
        get("Transfer-Encoding: chunked", "Content-Length: 5"),
        (SYNTAX,),
    ),
    Row("one beside another coding", post("Transfer-Encoding: gzip"), (SYNTAX,)),
    Row("over the limit", post(length=99_999_999), ("413",)),
    Row("one of a GET", get("Content-Length: 2") + b"{}", ("200",)),
    Row("one of a GET, and another GET", get("Content-Length: 2") + b"{}" + LIVE, ("200", "200")),
]

CHUNKS = [
    Row("one", chunked(EXAMPLE), ("201",)),
    Row("two", chunked(*HALVES), ("201",)),
    Row("none", chunked(), ("400 empty",)),
    Row(
        "by another case",
        coded("Chunked"),
        ("400 empty",),
    ),
    Row("an extension", chunked(end=b"0;a=b\r\n\r\n"), ("400 empty",)),
    Row("a size with leading zeros", chunked(end=b"0002\r\n{}\r\n0\r\n\r\n"), ("422",)),
    Row("a trailer", chunked(EXAMPLE, end=b"0\r\nX: y\r\n\r\n"), ("201",)),
    Row("a trailer that is a Host", chunked(EXAMPLE, end=b"0\r\nHost: b\r\n\r\n"), ("201",)),
    Row("a trailer with a length", chunked(end=b"0\r\nContent-Length: 5\r\n\r\n"), (SYNTAX,)),
    Row(
        "100 fields of a trailer", chunked(end=b"0\r\n" + b"X: 1\r\n" * 100 + b"\r\n"), (TOO_LARGE,)
    ),
    Row(
        "a trailer of 66,000 bytes",
        chunked(end=b"0\r\nX: " + b"x" * 66_000 + b"\r\n\r\n"),
        (TOO_LARGE,),
    ),
    Row("no size", chunked(end=b"\r\n{}\r\n0\r\n\r\n"), (SYNTAX,)),
    Row("a size that is none", chunked(EXAMPLE, end=b"zz\r\n"), (SYNTAX,)),
    Row("a negative size", chunked(end=b"-2\r\n{}\r\n0\r\n\r\n"), (SYNTAX,)),
    Row("a size with 0x", chunked(end=b"0x2\r\n{}\r\n0\r\n\r\n"), (SYNTAX,)),
    Row("a size of 20 digits", chunked(end=b"f" * 20 + b"\r\n"), (SYNTAX,)),
    Row("a chunk that is longer than its size", chunked(end=b"1\r\n{}\r\n0\r\n\r\n"), (SYNTAX,)),
    Row("broken off in front of the last one", chunked(EXAMPLE, end=b""), (BROKEN_OFF,)),
    Row("broken off in the last one", chunked(EXAMPLE, end=b"0\r\n"), (BROKEN_OFF,)),
    Row("broken off in a trailer", chunked(EXAMPLE, end=b"0\r\nX: y"), (BROKEN_OFF,)),
    Row("broken off in a chunk", chunked(end=b"ff\r\n{"), (BROKEN_OFF,)),
    Row("gzip", coded("gzip"), ("501 chunked",)),
    Row(
        "gzip, and then chunks",
        coded("gzip, chunked"),
        ("501 chunked",),
    ),
    Row("identity", coded("identity"), ("501 chunked",)),
    Row("what nobody knows", coded("x"), ("501 chunked",)),
    Row("gzip, to GET", get("Transfer-Encoding: gzip"), ("501 chunked",)),
    Row("an empty coding", coded(""), (SYNTAX,)),
    Row("chunked and then gzip", coded("chunked, gzip"), (SYNTAX,)),
    Row("chunked twice", coded("chunked, chunked"), (SYNTAX,)),
    Row("chunked on two lines", get(*[CHUNKED] * 2, method="POST"), (SYNTAX,)),
    Row("in HTTP/1.0", get(CHUNKED, version="1.0"), ("400 HTTP/1.0",)),
]

UPGRADES = [
    Row("to HTTP/2", get(*UPGRADE), ("200",)),
    Row("to HTTP/2, with a body", post(*UPGRADE), ("201",)),
    Row("to HTTP/2, in chunks", chunked(*HALVES, fields=UPGRADE), ("201",)),
    Row("to WebSocket", get(*WEBSOCKET), ("200",)),
    Row("to WebSocket, with a body", post(*WEBSOCKET), ("201",)),
    Row("to TLS", get("Connection: upgrade", "Upgrade: TLS/1.2"), ("200",)),
    Row("to TLS, with a body", post("Connection: upgrade", "Upgrade: TLS/1.2"), ("201",)),
    Row("without a connection that says so", post("Upgrade: h2c"), ("201",)),
    Row("of a connection, to nothing", post("Connection: Upgrade"), ("201",)),
    Row("and another request", get(*UPGRADE) + LIVE, ("200", "200")),
    Row("with a body, and another request", post(*UPGRADE) + LIVE, ("201", "200")),
    Row("in chunks, and another request", chunked(EXAMPLE, fields=UPGRADE) + LIVE, ("201", "200")),
    Row("three times", post(*UPGRADE) + get(*WEBSOCKET) + post(*UPGRADE), ("201", "200", "201")),
    Row("and a body that looks like a request", post(*UPGRADE, body=LIVE) + LIVE, ("400", "200")),
    Row("and the end", post("Connection: close, upgrade", "Upgrade: h2c") + LIVE, ("201",)),
    Row("with half a body", post(*UPGRADE, length=len(EXAMPLE) + 1), (BROKEN_OFF,)),
    Row("with a broken chunk", chunked(EXAMPLE, fields=UPGRADE, end=b"zz\r\n"), (SYNTAX,)),
]

EXPECTATIONS = [
    Row("100-continue", post("Expect: 100-continue"), ("201",)),
    Row("100-Continue", post("expect: 100-Continue"), ("201",)),
    Row("100-continue, and no body", get("Expect: 100-continue"), ("200",)),
    Row("of HTTP/1.0", get("Expect: 100-continue", version="1.0"), ("200",)),
    Row("more", post("Expect: more"), ("417 100-continue",)),
    Row("100-continue, and more", post("Expect: 100-continue, more"), ("417 100-continue",)),
    Row("more on another line", post("Expect: 100-continue", "Expect: x"), ("417 100-continue",)),
]

PIPELINES = [
    Row("two requests", get() + LIVE, ("200", "200")),
    Row("twenty requests", LIVE * 20, ("200",) * 20),
    Row("bodies between", post() + LIVE + post() + LIVE, ("201", "200", "201", "200")),
    Row("an error between", get(target="/nothing") + LIVE, ("404", "200")),
    Row("a body that nobody wants", post(target="/nothing") + LIVE, ("404", "200")),
    Row("an empty line between", LIVE + b"\r\n" + LIVE, ("200", "200")),
    Row("garbage behind a request", LIVE + b"NONSENSE\r\n\r\n", ("200", SYNTAX)),
    Row("garbage behind two requests", get() + LIVE + b"\x00", ("200", "200", SYNTAX)),
    Row("garbage behind a body", post() + b"garbage", ("201", SYNTAX)),
    Row("a request without a Host", LIVE + bare("GET / HTTP/1.1") + LIVE, ("200", "400 Host")),
    Row("too many fields", LIVE + get(*["X: 1"] * 100) + LIVE, ("200", TOO_LARGE)),
    Row("half a request", LIVE + b"GET /", ("200", BROKEN_OFF)),
    Row("half a body", LIVE + post(length=9_999), ("200", BROKEN_OFF)),
    Row("a broken chunk", LIVE + chunked(EXAMPLE, end=b"zz\r\n") + LIVE, ("200", SYNTAX)),
    Row("the end", get("Connection: close") + LIVE, ("200",)),
    Row("the end among other words", get("Connection: x, Close") + LIVE, ("200",)),
    Row("the end, and garbage", get("Connection: close") + b"garbage", ("200",)),
    Row("HTTP/1.0", get(version="1.0") + LIVE, ("200",)),
]

CONDITIONS = [
    Row("Accept of anything", get("Accept: */*"), ("200",)),
    Row("Accept of JSON", get("Accept: application/json"), ("200",)),
    Row("Accept of a part of it", get("Accept: text/html, application/*;q=0.1"), ("200",)),
    Row("Accept of something else", get("Accept: text/html"), ("406",)),
    Row("If-None-Match of anything", get("If-None-Match: *"), ("304",)),
    Row("If-None-Match of another", get('If-None-Match: "another"'), ("200",)),
]

BODIES = [
    Row("an event", post("Content-Type: application/json"), ("201",)),
    Row("an event, as JSON of a kind", post("Content-Type: application/x+json"), ("201",)),
    Row("an event, as text", post("Content-Type: text/plain"), ("415",)),
    Row("no JSON", post(body=b"{"), ("400 JSON",)),
    Row("no UTF-8", post(body=b'{"title": "\xff"}'), ("400",)),
    Row("a number", post(body=b"1"), ("400 object",)),
    Row("an object without members", post(body=b"{}"), ("422",)),
    Row("an object that is too large", post(body=b" " * 70_000), ("413",)),
]

TABLE = {
    "request line": REQUEST_LINES,
    "target": TARGETS,
    "method": METHODS,
    "host": HOSTS,
    "header": HEADERS,
    "length": LENGTHS,
    "chunks": CHUNKS,
    "upgrade": UPGRADES,
    "expectation": EXPECTATIONS,
    "pipeline": PIPELINES,
    "condition": CONDITIONS,
    "body": BODIES,
}
