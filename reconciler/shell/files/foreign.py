"""Files that were written for other tools: YAML as they read it, to plain JSON with positions.

Reads: the YAML or JSON file that is named, and files beside it that it refers to. Writes: a folder, when it is asked.

What manifests must not hold is taken here for what it plainly means: a key such as `200` is text, a date without
quotes is text. Nothing outside the folder of the first file is read, and nothing over the network.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from reconciler.core.errors import UsageError
from reconciler.core.model import Diagnostic, Document, Source
from reconciler.shell.files.reading import (
    TooLargeError,
    display_path,
    error_at,
    file_error,
    read_bounded,
    reason_for,
)

LARGEST_FOREIGN_FILE = 64 * 1024 * 1024

_Read = tuple[Document | None, list[Diagnostic]]


def read_foreign(path: Path, display: str) -> _Read:
    """Return the first document of a YAML or JSON file (by its suffix), or None and what is wrong with it."""
    try:
        text = read_bounded(path, LARGEST_FOREIGN_FILE).decode("utf-8").removeprefix("\ufeff")
    except OSError as error:
        return None, [file_error(display, "file-unreadable", reason_for(error), "check the path and its permissions")]
    except TooLargeError:
        megabytes = LARGEST_FOREIGN_FILE // (1024 * 1024)
        return None, [file_error(display, "file-too-large", f"is larger than {megabytes} MiB", "split it")]
    except UnicodeDecodeError:
        return None, [file_error(display, "not-utf8", "is not text in UTF-8", "save it as UTF-8")]
    # Here and not at the top: loading ruamel.yaml would delay every command that reads no document.
    from reconciler.shell.files.foreign_nodes import first_document

    found = first_document(text, display, json=path.suffix.lower() == ".json")
    if isinstance(found, Document):
        return found, []
    if found is None:
        return None, [error_at(Source(display), "empty-file", f"{display} holds no document", "name another file")]
    return None, found


def files_beside(first: Path) -> Callable[[str], _Read]:
    """Return the function that reads the file at a `file:` address, in the folder of `first` or below it."""
    root = first.resolve().parent

    def read(address: str) -> _Read:
        path = Path(unquote(urlsplit(address).path))
        display = display_path(path)
        if urlsplit(address).scheme != "file":
            return None, []
        try:
            real = path.resolve()
        except (OSError, RuntimeError) as error:
            return None, [file_error(display, "file-unreadable", reason_for(error), "check the path and its links")]
        if not real.is_relative_to(root):
            hint = f"move it into {display_path(root)}: nothing outside the document's folder is read"
            return None, [file_error(display, "file-outside", "stands outside the folder of the document", hint)]
        return read_foreign(real, display)

    return read


def make_folder(folder: Path) -> None:
    """Make `folder` and those above it, where they are missing. Raises UsageError with the reason."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{display_path(folder)} cannot be made: it {reason_for(error)}", hint="name another folder with --output"
        ) from None
