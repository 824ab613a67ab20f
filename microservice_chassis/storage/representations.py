"""The JSON of documents, remembered by their bytes.

The representation of a document is a function of the bytes that MongoDB holds: whoever wrote them
and whenever, equal bytes have equal JSON. So what is remembered here can never be stale,
and needs no stamp; a page that has to be read anew costs little more than its bytes.
"""

from __future__ import annotations

from collections.abc import Callable

# How much one worker remembers, of documents and their JSON together.
BYTES = 8 * 1024 * 1024

# What Python needs to keep an entry.
_OVERHEAD_BYTES = 200


class Representations:
    """Encodes documents, and remembers the newest results, bounded in bytes."""

    def __init__(self, encode: Callable[[bytes], bytes], size_bytes: int = BYTES) -> None:
        """`encode` must depend on its argument alone; what it raises is not remembered."""
        self._encode = encode
        self._free_bytes = size_bytes
        self._encoded: dict[bytes, bytes] = {}

    def json(self, raw: bytes) -> bytes:
        """Return the JSON of a BSON document, or raise what `encode` raises."""
        encoded = self._encoded.get(raw)
        if encoded is None:
            encoded = self._encode(raw)
            self._remember(raw, encoded)
        return encoded

    def _remember(self, raw: bytes, encoded: bytes) -> None:
        self._encoded[raw] = encoded
        self._free_bytes -= _size(raw, encoded)
        while self._free_bytes < 0:
            oldest = next(iter(self._encoded))
            self._free_bytes += _size(oldest, self._encoded.pop(oldest))


def _size(raw: bytes, encoded: bytes) -> int:
    return len(raw) + len(encoded) + _OVERHEAD_BYTES
