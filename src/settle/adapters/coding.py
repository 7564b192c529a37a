"""Content codings of answers: gzip and deflate, within bounds. We ask for none."""

from __future__ import annotations

import zlib

_GZIP = 16 + zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS


class Spoiled(Exception):
    """The answer cannot become a whole one any more."""


class Inflating:
    """gzip, of one member or more; or deflate, in zlib's frame (RFC 9110, 8.4.1.2) or bare."""

    def __init__(self, *, is_gzip: bool) -> None:
        self._is_gzip = is_gzip
        self._member: zlib._Decompress | None = None

    def decode(self, data: bytes, *, bytes_max: int) -> bytes:
        """What `data` adds, `bytes_max` bytes of it at most.

        Raises:
            Spoiled: it is not coded as it says.
        """
        content = bytearray()
        while data and len(content) < bytes_max:
            member = self._member_for(data[0])
            try:
                content += member.decompress(data, bytes_max - len(content))
            except zlib.error:
                raise Spoiled("the content is not coded as it says") from None
            data = member.unused_data or member.unconsumed_tail
        return bytes(content)

    def finish(self) -> None:
        """The content has ended.

        Raises:
            Spoiled: it was not all there.
        """
        if self._member is not None and not self._member.eof:
            raise Spoiled("the coded content breaks off")

    def _member_for(self, first: int) -> zlib._Decompress:
        if self._member is None:
            # Many servers leave zlib's frame out, whose first byte says 8 for deflate.
            framed = zlib.MAX_WBITS if first & 0x0F == 8 else _RAW
            self._member = zlib.decompressobj(_GZIP if self._is_gzip else framed)
        elif self._member.eof:
            if not self._is_gzip:
                raise Spoiled("something stands after the coded content")
            self._member = zlib.decompressobj(_GZIP)
        return self._member


def coding_of(named: str) -> Inflating | None:
    """How a content is coded, by its `Content-Encoding`; None: as it is.

    Raises:
        Spoiled: the coding is none of ours, or there are several.
    """
    match named.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip":
            return Inflating(is_gzip=True)
        case "deflate":
            return Inflating(is_gzip=False)
    raise Spoiled("the answer is coded in a way nobody asked for")
