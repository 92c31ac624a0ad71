"""A picture of what depends on what: layers from left to right, as SVG. Pure; the same input gives the same picture.

Resources that nothing connects are left out. Resources of one kind with the same action and the same neighbours are
drawn as one box with their number when the picture would be crowded otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from reconciler.core.graph import find_cycle, levels
from reconciler.core.model import JsonObject
from reconciler.core.records import dataclass
from reconciler.render.escapes import html
from reconciler.render.values import shorten

_CROWDED = 40  # boxes
_MOST = 400  # boxes; beyond, kinds are drawn instead of resources
_ROWS = 22  # boxes above each other
_WIDTH, _HEIGHT = 208, 38  # of a box, in pixels
_GAP_X, _GAP_Y, _MARGIN, _APART = 54, 12, 12, 30
_PAGE = 1020  # pixels across
_SWEEPS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One resource, or several alike."""

    title: str
    name: str
    action: str
    link: str = ""  # id of the change on the page
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Boxes by key, and for each the keys of what it depends on."""

    boxes: Mapping[str, Box]
    parents: Mapping[str, frozenset[str]]

    def children(self) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = {key: set() for key in self.boxes}
        for key, parents in self.parents.items():
            for parent in parents:
                found[parent].add(key)
        return {key: frozenset(keys) for key, keys in found.items()}


def draw(changes: Sequence[JsonObject], links: Mapping[str, str]) -> str:
    """Return the picture of the changes of a plan's document, or "" when nothing depends on anything.

    `links` are the ids of changes on the page, by address.
    """
    graph = _connected(_graph(changes, links))
    if len(graph.boxes) > _CROWDED:
        graph = _merged(graph)
    if len(graph.boxes) > _MOST:
        graph = _by_kind(graph)
    graph = _reduced(graph)
    return _svg(graph, _places(graph)) if graph.boxes else ""


# --------------------------------------------------------------------------- what is drawn


def _graph(changes: Sequence[JsonObject], links: Mapping[str, str]) -> Graph:
    boxes = {}
    for change in changes:
        kind, _, name = change["address"].partition("/")
        link = links.get(change["address"], "")
        boxes[change["address"]] = Box(title=kind, name=name, action=change["action"], link=link)
    parents = {c["address"]: frozenset(a for a in c["dependsOn"] if a in boxes) for c in changes}
    return Graph(boxes=boxes, parents=parents)


def _connected(graph: Graph) -> Graph:
    children = graph.children()
    kept = {key: box for key, box in graph.boxes.items() if graph.parents[key] or children[key]}
    return Graph(boxes=kept, parents={key: graph.parents[key] for key in kept})


def _reduced(graph: Graph) -> Graph:
    """Leave out the lines that others imply: from a grandparent, say."""
    above: dict[str, frozenset[str]] = {}
    for layer in levels({key: sorted(graph.parents[key]) for key in sorted(graph.boxes)}):
        for key in layer:
            above[key] = graph.parents[key].union(*(above[parent] for parent in graph.parents[key]))
    kept = {
        key: frozenset(p for p in parents if not any(p in above[other] for other in parents))
        for key, parents in graph.parents.items()
    }
    return Graph(boxes=graph.boxes, parents=kept)


def _merged(graph: Graph) -> Graph:
    """Draw what cannot be told apart as one, from the leaves on: merging children can make parents alike."""
    while True:
        children = graph.children()
        alike: dict[tuple[object, ...], list[str]] = {}
        for key in sorted(graph.boxes):
            box = graph.boxes[key]
            face = (box.title, box.action, tuple(sorted(graph.parents[key])), tuple(sorted(children[key])))
            alike.setdefault(face, []).append(key)
        if all(len(keys) == 1 for keys in alike.values()):
            return graph
        graph = _renamed(graph, {key: keys[0] for keys in alike.values() for key in keys})


def _by_kind(graph: Graph) -> Graph:
    first: dict[str, str] = {}
    for key in sorted(graph.boxes):
        first.setdefault(graph.boxes[key].title, key)
    merged = _renamed(graph, {key: first[box.title] for key, box in graph.boxes.items()})
    without_loops = {key: frozenset(p for p in parents if p != key) for key, parents in merged.parents.items()}
    return Graph(boxes=merged.boxes, parents=_without_circles(without_loops))


def _renamed(graph: Graph, names: Mapping[str, str]) -> Graph:
    boxes: dict[str, Box] = {}
    parents: dict[str, frozenset[str]] = {}
    for key in sorted(graph.boxes):
        name, box = names[key], graph.boxes[key]
        if name in boxes:
            action = box.action if boxes[name].action == box.action else "mixed"
            boxes[name] = replace(boxes[name], count=boxes[name].count + box.count, action=action)
        else:
            boxes[name] = box
        parents[name] = parents.get(name, frozenset()) | {names[parent] for parent in graph.parents[key]}
    return Graph(boxes=boxes, parents=parents)


def _without_circles(parents: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """Break circles, which kinds may form where their resources do not, at their last step."""
    kept = dict(parents)
    while circle := find_cycle(kept):
        kept[circle[0]] -= {circle[1]}
    return kept


# --------------------------------------------------------------------------- where it stands


Places: TypeAlias = dict[str, tuple[int, int]]
"""The left upper corner of each box."""


def _places(graph: Graph) -> Places:
    """Return where the boxes stand: what hangs together by itself, largest first, in rows as wide as the page."""
    parts = sorted(_parts(graph), key=lambda keys: (-len(keys), keys))
    places: Places = {}
    left, top, bottom = _MARGIN, _MARGIN, _MARGIN
    for keys in parts:
        part = _layers(Graph(boxes={k: graph.boxes[k] for k in keys}, parents={k: graph.parents[k] for k in keys}))
        width = max(x for x, _ in part.values()) + _WIDTH
        height = max(y for _, y in part.values()) + _HEIGHT
        if left > _MARGIN and left + width > _PAGE:
            left, top = _MARGIN, bottom + _APART
        places |= {key: (left + x, top + y) for key, (x, y) in part.items()}
        bottom = max(bottom, top + height)
        left += width + _APART
    return places


def _parts(graph: Graph) -> list[list[str]]:
    """Return the keys of what hangs together, each part in order."""
    children = graph.children()
    seen: set[str] = set()
    parts = []
    for start in sorted(graph.boxes):
        waiting, part = [start], []
        while waiting:
            key = waiting.pop()
            if key not in seen:
                seen.add(key)
                part.append(key)
                waiting += [*graph.parents[key], *children[key]]
        if part:
            parts.append(sorted(part))
    return parts


def _layers(graph: Graph) -> Places:
    """Return where the boxes of one part stand: what is depended on to the left."""
    depth: dict[str, int] = {}
    for layer in levels({key: sorted(graph.parents[key]) for key in sorted(graph.boxes)}):
        for key in layer:
            depth[key] = max((depth[parent] + 1 for parent in graph.parents[key]), default=0)
    children = graph.children()
    for key in sorted(depth, key=lambda key: -depth[key]):  # roots move next to what needs them
        if not graph.parents[key] and children[key]:
            depth[key] = min(depth[child] for child in children[key]) - 1
    layers: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for key in sorted(depth):
        layers[depth[key]].append(key)
    _untangle(layers, graph, children)
    places: Places = {}
    tallest = min(max(map(len, layers)), _ROWS)
    x = 0
    for layer in layers:
        columns = [layer[start : start + _ROWS] for start in range(0, len(layer), _ROWS)]
        for column in columns:
            top = (tallest - len(column)) * (_HEIGHT + _GAP_Y) // 2
            for row, key in enumerate(column):
                places[key] = (x, top + row * (_HEIGHT + _GAP_Y))
            x += _WIDTH + (_GAP_X if column is columns[-1] else 24)
    return places


def _untangle(layers: list[list[str]], graph: Graph, children: Mapping[str, frozenset[str]]) -> None:
    """Order each layer by where its neighbours stand, a few times to and fro (Sugiyama's barycenters)."""
    for sweep in range(_SWEEPS):
        forth = sweep % 2 == 0
        neighbours = graph.parents if forth else children
        for layer in layers if forth else reversed(layers):
            rows = {key: row / max(len(one), 1) for one in layers for row, key in enumerate(one)}
            middle = {
                key: sum(rows[n] for n in neighbours[key]) / len(neighbours[key]) if neighbours[key] else rows[key]
                for key in layer
            }
            layer.sort(key=lambda key: (middle[key], key))


# --------------------------------------------------------------------------- how it looks


def _svg(graph: Graph, places: Mapping[str, tuple[int, int]]) -> str:
    width = max(x for x, _ in places.values()) + _WIDTH + _MARGIN
    height = max(y for _, y in places.values()) + _HEIGHT + _MARGIN
    ids = {key: f"n{index}" for index, key in enumerate(sorted(places))}
    edges = [
        _edge(places[parent], places[key], ids[parent], ids[key])
        for key in sorted(places)
        for parent in sorted(graph.parents[key])
    ]
    boxes = [_box(graph.boxes[key], places[key], ids[key]) for key in sorted(places)]
    return (
        f'<svg class="picture" role="img" aria-label="What depends on what" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">' + "".join(edges) + "".join(boxes) + "</svg>"
    )


def _edge(start: tuple[int, int], end: tuple[int, int], parent: str, child: str) -> str:
    x1, y1 = start[0] + _WIDTH, start[1] + _HEIGHT // 2
    x2, y2 = end[0], end[1] + _HEIGHT // 2
    bend = max((x2 - x1) // 2, 20)
    path = f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
    return f'<path class="edge" data-from="{parent}" data-to="{child}" d="{path}"/>'


def _box(box: Box, place: tuple[int, int], key: str) -> str:
    x, y = place
    name = f"{box.count} alike" if box.count > 1 else box.name
    whole = html(f"{box.title}/{box.name}: {box.action}" + (f", {box.count} alike" if box.count > 1 else ""))
    drawn = (
        f"<title>{whole}</title>"
        f'<rect class="box" x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="6"/>'
        f'<rect class="bar" x="{x}" y="{y}" width="5" height="{_HEIGHT}" rx="2"/>'
        f'<text class="kind" x="{x + 14}" y="{y + 15}">{html(shorten(box.title, 32))}</text>'
        f'<text class="name" x="{x + 14}" y="{y + 30}">{html(shorten(name, 26))}</text>'
    )
    group = f'<g class="node is-{html(box.action)}" data-node="{key}">{drawn}</g>'
    return f'<a href="#{html(box.link)}">{group}</a>' if box.link and box.count == 1 else group
