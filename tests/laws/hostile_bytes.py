"""Bytes that nobody means: what a valid file becomes by flipped bits, cuts, endless nesting and odd values. Seeded."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

_VALUES = (
    b"1e400", b"-1e999", b"NaN", b"-Infinity", b".inf", b"9" * 5000, b"-0", b"1e-400", b"null", b"true", b"[]", b"{}",
    b'""', b'"\\ud800"', b'"\\u0000"', b"http://[::1", b'"http://[::1"', b"*a", b"&a [*a]",
    b"!!python/object:os.system x",
    b"2020-13-45", b'{"$ref": "#"}', b'{"$ref": "http://[::1"}', b"<<: {a: 1}", b"? [a, b]\n: 1", b"\xff\xfe",
    b"\xed\xa0\x80", b"\x00", b"\xe2\x80\xa8", b"${ref:A/b}", b"${", b"%", b"\t", b"---\n", b"...\n", b"|\n", b"- ",
)  # fmt: skip
_NESTING = (b"[", b"{", b'{"a":', b"[[", b"- ", b"a: ", b"{a: ", b"? ", b"((", b'[{"a":')


def _place(data: bytearray, random: Random) -> int:
    return random.randint(0, len(data))


def _flip(data: bytearray, random: Random) -> None:
    if data:
        for _ in range(random.choice((1, 1, 1, 8))):
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _cut(data: bytearray, random: Random) -> None:
    del data[_place(data, random) :]


def _drop(data: bytearray, random: Random) -> None:
    start = _place(data, random)
    del data[start : start + random.randint(1, 40)]


def _repeat(data: bytearray, random: Random) -> None:
    start = _place(data, random)
    chunk = bytes(data[start : start + random.randint(1, 200)])
    data[start:start] = chunk * random.choice((1, 1, 2, 50))


def _nest(data: bytearray, random: Random) -> None:
    at = _place(data, random)
    data[at:at] = random.choice(_NESTING) * random.choice((30, 150, 300, 3000))


def _close(data: bytearray, random: Random) -> None:
    depth, at = random.choice((100, 250, 2000)), _place(data, random)
    data[at:at] = b"[" * depth + b"1" + b"]" * depth


def _value(data: bytearray, random: Random) -> None:
    at = _place(data, random)
    end = min((found for c in b',}]\n "' if (found := data.find(c, at)) >= 0), default=at)
    data[at:end] = random.choice(_VALUES)


def _after_colon(data: bytearray, random: Random) -> None:
    """Put an odd value in the place of a whole one."""
    colons = [index for index, byte in enumerate(data) if byte == ord(":")]
    if colons:
        at = random.choice(colons) + 1
        end = min((found for c in b",}]\n" if (found := data.find(c, at)) >= 0), default=len(data))
        data[at:end] = b" " + random.choice(_VALUES)


def _swap(data: bytearray, random: Random) -> None:
    lines = bytes(data).split(b"\n")
    random.shuffle(lines)
    data[:] = b"\n".join(lines)


_WAYS: tuple[Callable[[bytearray, Random], None], ...] = (
    _flip, _flip, _cut, _drop, _repeat, _nest, _close, _value, _after_colon, _after_colon, _swap,
)  # fmt: skip


def hostile(valid: bytes, random: Random) -> bytes:
    """Return `valid`, spoilt in one to three ways."""
    data = bytearray(valid)
    for _ in range(random.randint(1, 3)):
        random.choice(_WAYS)(data, random)
    return bytes(data)
