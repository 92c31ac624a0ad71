"""The disk: manifests and other documents in, text files out, atomically.

Reads: YAML, JSON and text files that the person named. Writes: what `write_atomically` is given.

Nothing outside the named folders is reached through links. Mistakes in files are diagnostics, all collected.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from reconciler.core.errors import UsageError
from reconciler.core.model import Diagnostic, Document, Source
from reconciler.shell.files.parsing import Cache, as_text, parse, remembered
from reconciler.shell.files.reading import (
    TooLargeError,
    display_path,
    error_at,
    file_error,
    hint_for,
    read_bounded,
    reason_for,
)
from reconciler.shell.files.search import find_manifests

__all__ = [
    "LARGEST_DOCUMENT_FILE",
    "LARGEST_TEXT_FILE",
    "TextFileError",
    "display_path",
    "find_manifests",
    "read_documents",
    "read_text_inside",
    "write_atomically",
    "write_together",
]

LARGEST_DOCUMENT_FILE = 10 * 1024 * 1024
LARGEST_TEXT_FILE = 1024 * 1024

_MOST_CONTROL_CHARACTERS = 10
# Source: YAML 1.2.2, production c-printable. JSON allows a few more, which nobody misses.
_CONTROL = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
_FINE = b"\t\n\r" + bytes(range(0x20, 0x7F))
_LINE_BREAK = re.compile(r"\r\n|\r|\n")


class TextFileError(Exception):
    """A file that `${file:…}` names cannot be used. `message` and `hint` never hold any of its content."""

    def __init__(self, message: str, hint: str, *, missing: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.missing = missing  # there is no such file inside the folder


# --------------------------------------------------------------------------- documents


def read_documents(
    path: Path | str, display: str, cache: Cache | None = None
) -> tuple[list[Document], list[Diagnostic]]:
    """Read one YAML file (any number of documents) or JSON file, by its suffix.

    Returns the documents without a mistake, in order, and the mistakes of the others, by position. Documents
    that hold nothing but comments are left out; one that is no mapping is returned as it is. What `cache` knows is not
    parsed again.
    """
    try:
        content = read_bounded(path, LARGEST_DOCUMENT_FILE)
    except OSError as error:
        hint = hint_for(error, "check the path and its permissions")
        return [], [file_error(display, "file-unreadable", reason_for(error), hint)]
    except TooLargeError:
        megabytes = LARGEST_DOCUMENT_FILE // (1024 * 1024)
        hint = "split it into several files"
        return [], [file_error(display, "file-too-large", f"is larger than {megabytes} MiB", hint)]
    json = str(path).lower().endswith(".json")
    if cache is not None and not json:
        known = remembered(content, display, cache)
        if known is not None:
            return known, []
    try:
        text = as_text(content)
    except UnicodeDecodeError as error:
        return [], [_not_utf8(content, error, display)]
    if content.translate(None, _FINE):  # something else than plain ASCII: looked at character by character
        refused = list(_control_characters(text, display))
        if refused:
            return [], refused
    return parse(text, display, json=json, cache=cache, content=content)


def _control_characters(text: str, display: str) -> Iterator[Diagnostic]:
    for count, found in enumerate(re.finditer(_CONTROL, text)):
        if count == _MOST_CONTROL_CHARACTERS:
            return
        before = text[: found.start()]
        breaks = list(_LINE_BREAK.finditer(before))
        column = found.start() - (breaks[-1].end() if breaks else 0) + 1
        yield error_at(
            Source(display, len(breaks) + 1, column),
            "control-character",
            f"the control character U+{ord(found[0]):04X} stands here",
            'remove it, or write it as an escape in double quotes, such as "\\u0007"',
        )


def _not_utf8(content: bytes, error: UnicodeDecodeError, display: str) -> Diagnostic:
    utf16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    before = content[: error.start].decode("utf-8")
    breaks = list(_LINE_BREAK.finditer(before))
    column = len(before) - (breaks[-1].end() if breaks else 0) + 1
    return error_at(
        Source(display, len(breaks) + 1, column),
        "not-utf8",
        "the file is in UTF-16, not UTF-8" if utf16 else "the bytes here are not UTF-8",
        "save the file as UTF-8",
    )


# --------------------------------------------------------------------------- text


def read_text_inside(root: Path, relative: str) -> str:
    """Return the text of the file `relative` below `root`, as it is. Raises TextFileError with the reason.

    Links may not lead out of the root. Whether a file outside it exists is not told.
    """
    shown = repr(relative)
    inside = "name a file inside the folder of the manifests"
    if not relative or "\0" in relative or Path(relative).is_absolute():
        raise TextFileError(f"the file {shown} is not a relative path", inside)
    try:
        real_root = root.resolve()
        real = (real_root / relative).resolve()
    except (OSError, RuntimeError):
        raise TextFileError(f"the file {shown} cannot be reached", "check the path and its links") from None
    if not real.is_relative_to(real_root):
        raise TextFileError(f"the file {shown} stands outside the folder of the manifests", inside)
    if ".git" in real.relative_to(real_root).parts:  # where checkouts keep their credentials
        raise TextFileError(f"the file {shown} belongs to Git", inside)
    try:
        return read_bounded(real, LARGEST_TEXT_FILE).decode("utf-8")
    except OSError as error:
        raise TextFileError(
            f"the file {shown} {reason_for(error)}",
            hint_for(error, "check the path and its permissions"),
            missing=isinstance(error, FileNotFoundError),
        ) from None
    except TooLargeError:
        raise TextFileError(f"the file {shown} is larger than 1 MiB", "use a smaller file") from None
    except UnicodeDecodeError:
        # Not chained: the exception carries the bytes, which may be secret.
        raise TextFileError(f"the file {shown} is not UTF-8 text", "save it as UTF-8") from None


def write_atomically(path: Path, text: str, mode: int = 0o666) -> None:
    """Replace the content of `path` by `text` in UTF-8; at any instant the old or the new file is there.

    An existing file keeps its permissions as far as `mode` and the process's umask allow; others get `mode`, likewise.

    A link is written through. Raises UsageError when the file cannot be written.
    """
    try:
        target = path.resolve()
        if target.is_file():
            mode &= target.stat().st_mode
        _move(_prepared(target, text.encode("utf-8"), mode), target)
    except (OSError, RuntimeError) as error:
        raise _unwritable(path, error) from error


def write_together(texts: Mapping[Path, str | None], new: Mapping[Path, str] | None = None) -> None:
    """Replace the content of existing files, or remove those without a text, and make `new` ones with their folders.

    All content is on the disk before the first file changes. Permissions stay. Raises UsageError when a file cannot
    be written; nothing is changed then, unless the disk fails between one file and the next.
    """
    prepared: list[tuple[Path, Path]] = []
    gone: list[Path] = []
    folders: list[Path] = []
    path = Path()
    done = False
    try:
        for path, text in texts.items():
            target = path.resolve(strict=True)
            found = target.stat()
            if not stat.S_ISREG(found.st_mode):
                raise IsADirectoryError
            if not os.access(target, os.W_OK):
                raise PermissionError
            # Also for a file that only goes away: where nothing can be written, nothing can be removed.
            content = _prepared(target, (text or "").encode("utf-8"), stat.S_IMODE(found.st_mode))
            content.chmod(stat.S_IMODE(found.st_mode))
            prepared.append((content, target))
            gone += [path] if text is None else []
        for path, text in (new or {}).items():
            target = path.resolve()
            folders += _made_folders(target.parent)
            if target.exists():
                raise FileExistsError
            prepared.append((_prepared(target, text.encode("utf-8"), 0o644), target))
        removed = {path.resolve() for path in gone}
        for content, target in prepared:
            if target not in removed:
                _move(content, target)
        for path in gone:
            path.unlink()
        done = True
    except (OSError, RuntimeError) as error:
        raise _unwritable(path, error) from error
    finally:
        for content, _ in prepared:
            content.unlink(missing_ok=True)
        for folder in [] if done else reversed(folders):
            with contextlib.suppress(OSError):  # something is in it
                folder.rmdir()


def _made_folders(folder: Path) -> list[Path]:
    """Make a folder and those that it is in; return the ones that were not there, outermost first."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir()
    return missing[::-1]


def _unwritable(path: Path, error: Exception) -> UsageError:
    folder = path.absolute().parent
    what = "it" if folder.is_dir() else f"its folder {display_path(folder)}"
    return UsageError(
        f"{display_path(path)} cannot be written: {what} {reason_for(error)}",
        hint="check that its folder exists and may be written to",
    )


def _prepared(target: Path, content: bytes, mode: int) -> Path:
    """Return a new file with `content` beside `target`. `mode` without what the process's umask takes away."""
    # The same folder, because a rename is atomic only within a file system; hidden, so no search finds it.
    name = target.with_name(f".{target.name[:100]}.{secrets.token_hex(8)}.tmp")
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        name.unlink(missing_ok=True)
        raise
    return name


def _move(new: Path, target: Path) -> None:
    try:
        new.replace(target)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    # Without this, a power cut may bring the old file back after the caller has acted on the new one.
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
