"""Pages by opaque cursor that hides an offset. Pure.

Invariant: nothing protects a walk from changes in between; rows may be skipped or repeated.
Source: the Goldmine sheet, section 2 (cursors).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence

from reconciler.sandbox.goldmine.connect import ConnectError
from reconciler.sandbox.goldmine.proto_json import MalformedError, decode_bytes


def read_page(rows: Sequence[str], limit: int, cursor: str, page_size: int) -> tuple[list[str], str]:
    """Return one page and the next cursor, "" after the last page. A limit of 0 means `page_size`.

    Raises: ConnectError `invalid_argument` for a cursor that can't be parsed or a negative limit.
    """
    if limit < 0:
        raise ConnectError("invalid_argument", '"limit" must not be negative')
    # The largest page is [unknown]; a larger wish is cut without a word.
    size = min(limit or page_size, page_size)
    start = _offset(cursor) if cursor else 0
    end = start + size
    following = base64.b64encode(b'{"offset":%d}' % end).decode() if end < len(rows) else ""
    return list(rows[start:end]), following


def _offset(cursor: str) -> int:
    try:
        document = json.loads(decode_bytes(cursor))
    except (MalformedError, ValueError, RecursionError):
        raise ConnectError("invalid_argument") from None
    offset = document.get("offset") if isinstance(document, dict) else None
    if not isinstance(offset, int) or isinstance(offset, bool) or offset < 0:
        raise ConnectError("invalid_argument")
    return offset
