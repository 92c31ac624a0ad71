"""What files held when they were last read, by their content: reading them again takes no parsing.

Reads and writes: files below the person's cache folder, as the environment that it is given names it.

Only documents in good order are kept, as they were written: nothing of `${…}` is filled in. The key is the content and
the version of what reads it, so an entry can be useless but never wrong; a file that is damaged, of another version,
or cannot be read or written counts as not there. All of it can be deleted at any time.

With them stands the judge that found no mistake in them, which is told by all that it judged by.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from reconciler import __version__, core
from reconciler.core.canonical import canonical_json
from reconciler.core.json_decoding import decode_json
from reconciler.core.kinds.catalog import Catalog
from reconciler.shell.files.disposable import key_of, read_disposable, write_disposable
from reconciler.shell.files.limits import Kept, QuickDocument
from reconciler.shell.files.mark_cache import MarkCache

OFF = "RECONCILER_NO_CACHE"
_WORTH_KEEPING = 200  # files; fewer are parsed in the time that it takes to find out
_MOST_SEGMENTS = 6  # files of one cache; then they are put together
_READERS = tuple(
    Path(__file__).with_name(name)
    for name in ("parse_cache.py", "disposable.py", "quick_yaml.py", "scalars.py", "limits.py")
)
_CORE = Path(core.__file__ or "").parent


def open_cache(environ: Mapping[str, str], roots: Iterable[Path]) -> ParseCache | None:
    """Return the cache of what stands below `roots`; None when the environment wants none or has no place for it."""
    folder = Path(environ.get("XDG_CACHE_HOME", "") or Path(environ.get("HOME", ""), ".cache"))
    if environ.get(OFF, "").lower() not in ("", "0", "false", "no") or not folder.is_absolute():
        return None
    place = hashlib.blake2b(os.fsencode("\0".join(str(root.absolute()) for root in roots)), digest_size=8)
    return ParseCache(folder / "reconciler" / "parsed", _code(_READERS), place.hexdigest())


def judge_of(catalog: Catalog) -> str:
    """Return what changes whenever the same manifest may be judged, or compared, in another way.

    That is the definitions, the parameters and the code.
    """
    definitions = [document.data for document in catalog.documents]
    parameters = {kind.full_name: kind.parameters for kind in catalog.kinds.values()}
    code = _code(sorted(_CORE.rglob("*.py")))  # all of it: a verdict rests on modules of many rooms
    ages = [_age_of(package) for package in ("jsonschema", "jsonschema_rs")]
    return key_of(canonical_json([code, ages, definitions, parameters]).encode(errors="surrogatepass"))


def _age_of(package: str) -> int:
    """Return when a package was installed, in nanoseconds since the epoch; 0 where it is not."""
    found = importlib.util.find_spec(package)
    place = None if found is None or found.origin is None else Path(found.origin)
    return 0 if place is None or not place.exists() else place.stat().st_mtime_ns


def _code(files: Iterable[Path]) -> str:
    """Return what changes whenever the program, or what stands in these files of it, does."""
    code = hashlib.blake2b(__version__.encode(), digest_size=8)
    for file in files:
        with contextlib.suppress(OSError):  # in an archive; the version has to do then
            code.update(file.read_bytes())
    return code.hexdigest()


class _Segment(NamedTuple):
    """What one file of the cache holds: the documents of files by the keys of their content."""

    found_good_by: str  # the judge that found no mistake in any of them; empty where none has
    files: dict[str, Sequence[QuickDocument]]


class ParseCache:
    """The documents of files by their content. Give it back with `save`."""

    def __init__(self, folder: Path, version: str, place: str) -> None:
        self._folder = folder
        self._place = place
        self._name = f"{version}-{place}"
        self._paths: list[Path] = []  # of the segments
        self._known: list[_Segment] | None = None  # None: nothing was asked for yet
        self._used: dict[str, Sequence[QuickDocument]] = {}
        self._new: dict[str, Sequence[QuickDocument]] = {}
        self._judges: set[str] = set()  # of what was used
        self._judge = ""

    def get(self, content: bytes) -> Kept | None:
        """Return what is kept of a file with this content, or None when it is not known."""
        if self._known is None:
            self._known = self._load()
        key = key_of(content)
        for found_good_by, files in self._known:
            found = files.get(key)
            if found is not None:
                self._used[key] = found
                self._judges.add(found_good_by)
                return Kept(found, found_good_by, key)
        return None

    def put(self, content: bytes, documents: list[QuickDocument]) -> Kept:
        """Keep the documents of a file with this content."""
        key = key_of(content)
        self._new[key] = documents
        return Kept(documents, "", key)

    @property
    def pays(self) -> bool:
        """Tell whether there are so many files that anything is kept of them."""
        return len(self._used) + len(self._new) >= _WORTH_KEEPING

    def marks(self, judge: str) -> MarkCache:
        """Return what earlier runs saw of the lists that these files are about."""
        return MarkCache(self._folder.with_name("compared") / f"{self._place}.txt", judge)

    def found_good(self, judge: str) -> None:
        """Keep that `judge` found no mistake in any of the documents that were got or put."""
        self._judge = judge

    def save(self) -> None:
        """Write what is new; what is no longer used goes when there is more of it than of what is."""
        judged = bool(self._judge) and not self._judges <= {self._judge}  # what is used was found good by another one
        if not self.pays or not (self._new or judged):
            return
        known = sum(len(segment.files) for segment in self._known or ())
        together = judged or len(self._paths) >= _MOST_SEGMENTS or 2 * len(self._used) < known
        files = {**self._used, **self._new} if together else self._new
        text = json.dumps({"foundGoodBy": self._judge, "files": files}, ensure_ascii=False, separators=(",", ":"))
        key = key_of(text.encode())
        if not write_disposable(self._folder / f"{self._name}-{key}.json", key, text):
            return  # next time it is parsed again
        of_others = {path for path in self._folder.glob(f"*-{self._place}-*.json") if self._name not in path.name}
        for path in of_others.union(self._paths if together else ()):  # of other versions, or together in the new one
            with contextlib.suppress(OSError):
                path.unlink()

    def _load(self) -> list[_Segment]:
        found: list[_Segment] = []
        with contextlib.suppress(OSError):
            self._paths = sorted(self._folder.glob(f"{self._name}-*.json"))
        for path in self._paths:
            content = read_disposable(path)
            if content is None:
                continue
            with contextlib.suppress(ValueError, LookupError, TypeError):
                kept = decode_json(content)  # lists in place of tuples: they are taken apart alike
                found.append(_Segment(kept["foundGoodBy"], kept["files"]))
        return found
