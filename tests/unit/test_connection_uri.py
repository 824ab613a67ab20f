"""What MONGODB_URI and CACHE_REDIS_URL may be, and that their clients understand it so."""

from __future__ import annotations

from pathlib import Path

import pytest
from pymongo import uri_parser
from redis.asyncio.connection import parse_url

from microservice_chassis import connection_uri
from tests.certificate import self_signed

MONGODB_URIS = (
    "mongodb://localhost",
    "mongodb://db_1.example.com:65535",
    "mongodb://[::1]:27017/",
    "mongodb://user:p%40ss%2Fw%3Ard@a,b:27018,c/?replicaSet=rs0&authSource=admin",
    "mongodb://user@a/shop?tls=true&tlsCAFile=/etc/ssl/ca.pem",
    "mongodb://a?w=majority&retryWrites=true",
    "mongodb://%2Fvar%2Frun%2Fmongodb-27017.sock",
    "mongodb://u:p$!*'()+,;=w@a",
)
REDIS_URLS = (
    "redis://localhost",
    "redis://:password@redis.internal:6379/0",
    "redis://user:p%2Fw%23d@10.0.0.1:6379/15",
    "redis://[::1]:6379?db=3",
    "rediss://a/?ssl_ca_certs=/etc/ssl/ca.pem&ssl_cert_reqs=required&ssl_check_hostname=true",
    "unix:///run/redis.sock?db=1",
)


@pytest.mark.parametrize("uri", MONGODB_URIS)
def test_a_mongodb_uri_is_taken_and_the_driver_reads_it(uri: str) -> None:
    assert connection_uri.mongodb(uri) == uri
    assert uri_parser.parse_uri(uri, validate=False)["nodelist"]


def test_a_mongodb_uri_by_srv_records_is_taken() -> None:
    uri = "mongodb+srv://user:password@cluster.example.com/?appName=eventpost"
    assert connection_uri.mongodb(uri) == uri


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "null",
        "none",
        "localhost",
        "localhost:27017",
        "db.example.com/events",
        "//db.example.com",
        "http://db.example.com",
        "MONGODB://db.example.com",
        "mongodb:db.example.com",
        "mongodb://",
        "mongodb:///events",
        "mongodb://a,",
        "mongodb://a:0",
        "mongodb://a:65536",
        "mongodb://a:99999",
        "mongodb://a:27o17",
        "mongodb://a:",
        "mongodb://[::1",
        "mongodb://u:p/w@a",
        "mongodb://u:p#w@a",
        "mongodb://u:p@w@a",
        "mongodb://u:p:w@a",
        "mongodb://u:p?w@a",
        "mongodb://u:1/w?x=y@a",
        "mongodb://u:p[w@a",
        "mongodb://u:100%@a",
        "mongodb://:password@a",
        "mongodb://u:@a",
        "mongodb://a b",
        "mongodb://a\n",
        " mongodb://a",
        "mongodb://a/?",
        "mongodb://a/?tls",
        "mongodb://a/?=true",
        "mongodb://a/#x",
        "mongodb+srv://a:27017",
        "mongodb+srv://a,b",
    ],
)
def test_what_is_no_mongodb_uri_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        connection_uri.mongodb(uri)


@pytest.mark.parametrize("url", REDIS_URLS)
def test_the_url_of_a_redis_is_taken_and_the_client_reads_it(url: str) -> None:
    assert connection_uri.redis(url) == url
    read = parse_url(url)
    assert read.get("host") or read.get("path")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "null",
        "localhost",
        "localhost:6379",
        "http://a",
        "redis:a",
        "redis://",
        "redis://a:0",
        "redis://a:99999",
        "redis://a:x",
        "redis://a/events",
        "redis://:p/w@a",
        "redis://:p#w@a",
        "redis://:p@w@a",
        "redis://:p?w@a",
        "redis://:100%@a",
        "redis://a\n",
        "redis://a?",
        "redis://a?foo=1",
        "redis://a?db=x",
        "redis://a?db=0&foo=1",
        "redis://a?single_connection_client=true",
        "redis://a?decode_responses=true",
        "redis://a?encoding=nope",
        "redis://a?socket_timeout=60",
        "redis://a?protocol=3",
        "redis://a?ssl_cert_reqs=none",
        "rediss://a?ssl_cert_reqs=perhaps",
        "rediss://a?ssl_check_hostname=2",
        "unix://run/redis.sock",
    ],
)
def test_what_is_no_url_of_a_redis_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        connection_uri.redis(url)


SMTP_URLS = (
    "smtp://mail.example.com",
    "smtp://user:p%40ss%2Fw%3Ard@mail.example.com:587",
    "smtp://mail.example.com:25/?starttls=required",
    "smtp://mail.example.com?starttls=none",
    "smtp://user:password@127.0.0.1:1025?starttls=none",
    "smtp://user:password@[::1]?starttls=none",
    "smtps://user:password@[2001:db8::1]:465",
)


@pytest.mark.parametrize("url", SMTP_URLS)
def test_the_url_of_an_smtp_server_is_taken(url: str) -> None:
    assert connection_uri.smtp(url) == url


@pytest.mark.parametrize("options", ["?cafile={}", "?starttls=required&cafile={}"])
def test_a_file_of_certificates_has_to_be_one(tmp_path: Path, options: str) -> None:
    made = self_signed(tmp_path)
    url = f"smtp://mail.example.com{options}"
    assert connection_uri.smtp(url.format(made.cert)) == url.format(made.cert)
    for path in (made.key, tmp_path / "missing"):
        with pytest.raises(ValueError, match=r"^$"):
            connection_uri.smtp(url.format(path))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example.com",
        "http://mail.example.com",
        "smtp://",
        "smtp://user@mail.example.com",
        "smtp://:password@mail.example.com",
        "smtp://user:p/w@mail.example.com",
        "smtp://user:p@w@mail.example.com",
        "smtp://a:0",
        "smtp://a:65536",
        "smtp://a/path",
        "smtp://a?starttls=optional",
        "smtp://a?starttls=none&cafile=/etc/ssl/ca.pem",
        "smtp://a?verify=false",
        "smtp://user:password@mail.example.com?starttls=none",
        "smtp://user:password@128.0.0.1?starttls=none",
        "smtp://user:password@localhost.example.com?starttls=none",
        "smtps://a?starttls=none",
        "smtps://a?starttls=required",
        "smtp://a b",
        "smtp://a\n",
    ],
)
def test_what_is_no_url_of_an_smtp_server_or_not_safe_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        connection_uri.smtp(url)
