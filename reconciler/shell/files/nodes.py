"""What the careful parsers and the builder share about nodes: what marks them. Pure."""

from __future__ import annotations

from ruamel.yaml.nodes import Node, ScalarNode
from ruamel.yaml.tag import Tag

from reconciler.core.records import dataclass

UNTAGGED = Tag(suffix="tag:reconciler,2024:untagged")
"""The tag of every node whose author wrote none; parsers must set this very object."""

_MERGE = "tag:yaml.org,2002:merge"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntaxProblem:
    """Why a text cannot be read on. Lines and columns count from 1."""

    line: int
    column: int
    code: str
    message: str
    hint: str


def is_merge(key: Node) -> bool:
    """Tell whether `key` is a merge key: `<<` without quotes."""
    if not isinstance(key, ScalarNode) or key.value != "<<" or key.style:
        return False
    return key.ctag is UNTAGGED or str(key.ctag) == _MERGE
