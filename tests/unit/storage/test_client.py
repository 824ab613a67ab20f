"""What a client of MongoDB is, whatever its URI says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from microservice_chassis.errors import InvalidSetting
from microservice_chassis.storage.client import connect

WEAKENING = [
    "readPreference=secondary",
    "readPreference=nearest",
    "readConcernLevel=local",
    "readConcernLevel=available",
    "w=0",
    "w=1",
    "journal=false",
    "retryWrites=false",
    "retryReads=false",
    "timeoutMS=60000",
    "timeoutMS=0",
    "connectTimeoutMS=60000",
    "serverSelectionTimeoutMS=1",
    "socketTimeoutMS=1",
    "waitQueueTimeoutMS=1",
    "maxPoolSize=1",
    "heartbeatFrequencyMS=600000",
    "tz_aware=false",
]


def promises(client: AsyncMongoClient[Any]) -> dict[str, Any]:
    """What the service promises rests on."""
    options, pool = client.options, client.options.pool_options
    return {
        "write concern": client.write_concern.document,
        "read preference": client.read_preference.document,
        "read concern": client.read_concern.document,
        "retries": (options.retry_writes, options.retry_reads),
        "time limits in seconds": (
            *(options.timeout, options.server_selection_timeout, options.heartbeat_frequency),
            *(pool.connect_timeout, pool.socket_timeout, pool.wait_queue_timeout),
        ),
        "connections": pool.max_pool_size,
        "aware": client.codec_options.tz_aware,
    }


PROMISES = {
    "write concern": {"w": "majority", "j": True},
    "read preference": {"mode": "primary"},
    "read concern": {"level": "majority"},
    "retries": (True, True),
    "time limits in seconds": (1.5, 1.5, 2.0, 1.5, None, None),
    "connections": None,
    "aware": True,
}


@pytest.mark.parametrize("option", ["", *WEAKENING])
async def test_the_uri_cannot_weaken_a_promise(option: str) -> None:
    assert promises(connect(f"mongodb://host/?{option}")) == PROMISES


@pytest.mark.parametrize(
    "option",
    [
        "directConnection=true",
        "DIRECTCONNECTION=TRUE",
        "readPreferenceTags=region:east",
        "maxStalenessSeconds=120",
        "fsync=true",
    ],
)
async def test_an_option_that_must_not_be_there_is_named(option: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        connect(f"mongodb://user:secret@host/?appName=x&{option}")
    name = option.partition("=")[0]
    assert str(refused.value).startswith(f"MONGODB_URI must not have {name}: ")
    assert "\n" not in str(refused.value)


async def test_what_says_the_same_as_the_service_is_accepted() -> None:
    uri = (
        "mongodb://host/?retryWrites=true&w=majority&readPreference=primary&directConnection=false"
    )
    assert promises(connect(uri)) == PROMISES


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "http://host",
        "mongodb://",
        "mongodb://host:99999",
        "mongodb://user:sec/ret@host",
        "mongodb://user:secret%zz@host",
        "mongodb://user:secret@host/?foo=1",
        "mongodb://user:secret@host/?w=1&w=2",
        "mongodb://user:secret@host/?timeoutMS=soon",
        "mongodb://user:secret@host/?datetime_conversion=x",
        "mongodb://user:secret@host/?readPreference",
        "mongodb://user:secret@host/?authMechanism=FOO",
    ],
)
async def test_what_is_no_mongodb_uri_is_one_line_without_a_password(uri: str) -> None:
    with pytest.raises(InvalidSetting, match="MONGODB_URI cannot be used: it must be") as refused:
        connect(uri)
    assert "sec" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("option", ["tlsCAFile", "tlsCertificateKeyFile", "tlsCRLFile"])
@pytest.mark.parametrize("file", ["missing.pem", "wrong.pem"])
async def test_a_file_of_tls_that_is_not_there_or_wrong_is_one_line(
    tmp_path: Path, option: str, file: str
) -> None:
    (tmp_path / "wrong.pem").write_text("no certificate\n")
    with pytest.raises(InvalidSetting, match=f"cannot be used: .*{option}"):
        connect(f"mongodb://host/?tls=true&{option}={tmp_path / file}")
