"""Documents as the bytes that MongoDB holds (BSON 1.1)."""

from __future__ import annotations

from datetime import UTC

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.raw_bson import DEFAULT_RAW_BSON_OPTIONS

from microservice_chassis.storage.client import Document

# Whatever BSON can hold is decoded; it is `Member.read` that refuses, one member at a time.
_OPTIONS: CodecOptions[Document] = CodecOptions(
    tz_aware=True,
    tzinfo=UTC,
    unicode_decode_error_handler="replace",
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
)

# For a collection whose documents are wanted as bytes.
RAW_OPTIONS = DEFAULT_RAW_BSON_OPTIONS.with_options(
    unicode_decode_error_handler="replace",
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
)


def decode(raw: bytes | memoryview) -> Document:
    """Return the members of a BSON document, as they are kept."""
    document: Document = bson.decode(raw, _OPTIONS)
    return document


def split(batch: bytes) -> list[bytes]:
    """Return the documents of a batch; each begins with its length (BSON 1.1)."""
    documents, start = [], 0
    while start < len(batch):
        end = start + int.from_bytes(batch[start : start + 4], "little")
        documents.append(batch[start:end])
        start = end
    return documents
