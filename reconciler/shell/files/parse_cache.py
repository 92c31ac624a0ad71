"""What the manifests' files held when they were last read, by their content: reading them again takes no parsing.

Reads and writes: files below the person's cache folder, as the environment that it is given names it.

Only documents in good order are kept, as they were written: nothing of `${…}` is filled in. The key is the content and
the version of what reads it, so an entry can be useless but never wrong; a file that is damaged, of another version,
or cannot be read or written counts as not there. All of it can be deleted at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from reconciler import __version__
from reconciler.core.errors import UsageError
from reconciler.shell.files.disk import write_atomically
from reconciler.shell.files.limits import QuickDocument

OFF = "RECONCILER_NO_CACHE"
_WORTH_KEEPING = 200  # files; fewer are parsed in the time that it takes to find out
_MOST_SEGMENTS = 6  # files of one cache; then they are put together
_READERS = ("quick_yaml.py", "scalars.py", "limits.py")


def open_cache(environ: Mapping[str, str], roots: Iterable[Path]) -> ParseCache | None:
    """Return the cache of what stands below `roots`; None when the environment wants none or has no place for it."""
    folder = Path(environ.get("XDG_CACHE_HOME", "") or Path(environ.get("HOME", ""), ".cache"))
    if environ.get(OFF) or not folder.is_absolute():
        return None
    place = hashlib.blake2b("\0".join(str(root.absolute()) for root in roots).encode(), digest_size=8)
    return ParseCache(folder / "reconciler" / "parsed", f"{_version()}-{place.hexdigest()}")


def _version() -> str:
    """Return what changes whenever the same text may be read in another way."""
    code = hashlib.blake2b(__version__.encode(), digest_size=8)
    for name in _READERS:
        with contextlib.suppress(OSError):  # in an archive; the version has to do then
            code.update(Path(__file__).with_name(name).read_bytes())
    return code.hexdigest()


class ParseCache:
    """The documents of files by their content. Give it back with `save`."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._segments: list[Path] = []
        self._known: dict[str, Sequence[QuickDocument]] | None = None  # None: nothing was asked for yet
        self._used: dict[str, Sequence[QuickDocument]] = {}
        self._new: dict[str, Sequence[QuickDocument]] = {}

    def get(self, content: bytes) -> Sequence[QuickDocument] | None:
        """Return the documents of a file with this content, or None when they are not known."""
        if self._known is None:
            self._known = self._load()
        key = _key(content)
        found = self._known.get(key)
        if found is None:
            return None
        self._used[key] = found
        return found

    def put(self, content: bytes, documents: list[QuickDocument]) -> None:
        """Keep the documents of a file with this content."""
        self._new[_key(content)] = documents

    def save(self) -> None:
        """Write what is new; what is no longer used goes when there is more of it than of what is."""
        known = len(self._known or ())
        if not self._new or len(self._used) + len(self._new) < _WORTH_KEEPING:
            return
        together = len(self._segments) >= _MOST_SEGMENTS or 2 * len(self._used) < known
        kept = {**self._used, **self._new} if together else self._new
        text = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
        mark = _key(text.encode())
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(self._folder / f"{self._name}-{mark}.json", f"{mark}\n{text}", mode=0o600)
        except (OSError, UsageError, ValueError):
            return  # a full disk, or a folder that may not be written to: next time it is parsed again
        for segment in self._segments if together else ():
            with contextlib.suppress(OSError):
                segment.unlink()

    def _load(self) -> dict[str, Sequence[QuickDocument]]:
        found: dict[str, Sequence[QuickDocument]] = {}
        with contextlib.suppress(OSError):
            self._segments = sorted(self._folder.glob(f"{self._name}-*.json"))
        for segment in self._segments:
            try:
                mark, _, content = segment.read_bytes().partition(b"\n")
                if mark.decode() == _key(content):
                    found.update(json.loads(content))  # lists in place of tuples: they are taken apart alike
            except (OSError, ValueError):
                continue
        return found


def _key(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
