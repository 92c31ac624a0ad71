"""The files of saved plans and snapshots.

Reads and writes: the file that the person named.
"""

from __future__ import annotations

import json
from pathlib import Path

from reconciler.core.errors import UsageError
from reconciler.core.json_decoding import UnusableError, decode_json
from reconciler.core.model import Json, JsonObject
from reconciler.shell.files.disk import write_atomically
from reconciler.shell.files.reading import TooLargeError, display_path, read_bounded, reason_for

LARGEST = 100 * 1024 * 1024


def write_document(path: Path, document: JsonObject) -> None:
    """Write the document atomically. Raises UsageError when it cannot be written."""
    write_atomically(path, json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False) + "\n")


def read_document(path: Path, what: str, hint: str) -> Json:
    """Return the document in `path`, which should be a `what`. Raises UsageError when it cannot be read, or no JSON."""
    name = display_path(path)
    try:
        return decode_json(read_bounded(path, LARGEST))
    except OSError as error:
        raise UsageError(f"the {what} {name} {reason_for(error)}", hint=hint) from None
    except TooLargeError:
        raise UsageError(f"the {what} {name} is larger than {LARGEST // 2**20} MiB") from None
    except UnusableError as error:
        raise UsageError(f"{name} is no {what}: {error}", hint=hint) from None
    except ValueError:
        raise UsageError(f"{name} is no {what}: it is not JSON", hint=hint) from None
