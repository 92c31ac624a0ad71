"""The bodies of answers as they come in: only so many bytes, and only so long.

Reads: the stream given. Writes: nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx

from reconciler.core.errors import TransportError
from reconciler.shell.network.endpoint import Place, final_error

MAX_RESPONSE_BYTES = 64 * 1024 * 1024  # after decompression


class InTime(httpx.SyncByteStream):
    """The bytes of an answer as they come in, as long as there is time: each wait for the next ones may be short."""

    def __init__(self, stream: object, left_s: Callable[[], float], place: Place) -> None:
        assert isinstance(stream, httpx.SyncByteStream)
        self._stream, self._left_s, self._place = stream, left_s, place

    def __iter__(self) -> Iterator[bytes]:
        late = False
        for chunk in self._stream:
            if late:  # only now: the one before might have been the last
                raise out_of_time(self._place)
            yield chunk
            late = self._left_s() <= 0

    def close(self) -> None:
        self._stream.close()


def out_of_time(place: Place) -> TransportError:
    """Return the error of an answer that was not there when the time limit of the run passed."""
    return TransportError(
        f"{place.label}: {place.address}: the time limit of the run passed before the whole answer was there",
        sent=True,
        hint="Run again, or allow more time.",
    )


def limited(answer: httpx.Response, place: Place) -> Iterator[bytes]:
    """Yield the decoded body in parts. Raises TransportError when it is too large."""
    size = 0
    for chunk in answer.iter_bytes():
        size += len(chunk)
        if size > MAX_RESPONSE_BYTES:
            raise final_error(
                f"{place.label}: the answer of {place.address} is larger than {MAX_RESPONSE_BYTES >> 20} MiB",
                sent=True,
                hint="Ask for less at once: a smaller page size in the kind, or a narrower filter.",
            )
        yield chunk
