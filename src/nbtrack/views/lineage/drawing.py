"""The drawing of a lineage: its nodes one below the other, the edges in lanes beside them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from html import escape

from nbtrack.views.lineage.graph import LineageGraph, LineageNode

STEP = 14
MIDDLE = 13
_STATES = {"same": "", "not here": "", "not looked at": "", "FINISHED": ""}
_LIST = "list-style:none;margin:0;padding:0;font-size:13px;line-height:18px"
_ROW = "position:relative;margin:0;padding:4px 0 4px {left}px;min-height:18px"
_SVG = "position:absolute;left:0;top:0;overflow:visible;opacity:.55"
_WORD = "display:inline-block;width:86px;opacity:.7"
_WARNS = "color:var(--jp-warn-color0,#b26a00)"


@dataclass(frozen=True)
class Rail:
    """The part of the lines that is beside one node.

    All edges into a node share a lane, which ends at that node.

    Attributes
    ----------
    at : int
        The lane of the node itself; 0 is the leftmost.
    above, below : list of int
        Lanes with a line in the upper and in the lower half.
    joins : list of int
        Lanes that a line leads to from the node.
    """

    at: int
    above: list[int]
    below: list[int]
    joins: list[int]


def rails_of(graph: LineageGraph) -> list[Rail]:
    """Return the lines beside each node, in the order of the nodes.

    An edge that leads up has no line: models that have read each other in a circle.
    """
    place = {node.id: row for row, node in enumerate(graph.nodes)}
    targets: dict[int, list[int]] = defaultdict(list)
    begins: dict[int, int] = {}
    for edge in graph.edges:
        source, target = place[edge.source], place[edge.target]
        if source < target:
            targets[source].append(target)
            begins[target] = min(source, begins.get(target, source))
    lanes: dict[int, int] = {}  # of the nodes further down that lines lead to
    found = []
    for row in range(len(graph.nodes)):
        above = sorted(lanes.values())
        own = lanes.pop(row, None)
        wanted = own
        for target in sorted(set(targets[row])):
            if begins[target] == row:
                lanes[target] = _lane(wanted, lanes)
                wanted = None
        leads = sorted({lanes[target] for target in targets[row]})
        at = own if own is not None else leads[0] if leads else _lane(None, lanes)
        joins = [lane for lane in leads if lane != at]
        found.append(Rail(at, above, sorted(lanes.values()), joins))
    return found


def _lane(wanted: int | None, taken: dict[int, int]) -> int:
    used = set(taken.values())
    if wanted is not None and wanted not in used:
        return wanted
    return next(lane for lane in range(len(used) + 1) if lane not in used)


def html_of(graph: LineageGraph) -> str:
    """Return a graph as HTML without scripts; colours are those of the page."""
    if not graph.nodes:
        return "<p>Nothing is known of where it comes from.</p>"
    rails = rails_of(graph)
    width = STEP * (1 + max(max([r.at, *r.above, *r.below]) for r in rails))
    rows = "".join(_row(n, rail, width) for n, rail in zip(graph.nodes, rails, strict=True))
    return f'<ol aria-label="Where it comes from" style="{_LIST}">{rows}</ol>'


def _row(node: LineageNode, rail: Rail, width: int) -> str:
    name = escape(node.name if node.version is None else f"{node.name} v{node.version}")
    name = f"<strong>{name}</strong>" if node.kind in ("run", "model", "version") else name
    facts = f' <span style="opacity:.7">{escape(node.facts)}</span>' if node.facts else ""
    state = node.state or ""
    if state := _STATES.get(state, state):
        facts += f' <span style="{_WARNS}">{escape(state)}</span>'
    word = f'<span style="{_WORD}">{escape(node.kind.capitalize())}</span>'
    left = width + 10
    return f'<li style="{_ROW.format(left=left)}">{_lines(rail, width)}{word}{name}{facts}</li>'


def _lines(rail: Rail, width: int) -> str:
    def x(lane: int) -> int:
        return STEP * lane + STEP // 2

    shapes = [f'<line x1="{x(lane)}" y1="0" x2="{x(lane)}" y2="{MIDDLE}"/>' for lane in rail.above]
    shapes += [
        f'<line x1="{x(lane)}" y1="{MIDDLE}" x2="{x(lane)}" y2="100%"/>' for lane in rail.below
    ]
    shapes += [
        f'<line x1="{x(rail.at)}" y1="{MIDDLE}" x2="{x(lane)}" y2="{MIDDLE}"/>'
        for lane in rail.joins
    ]
    dot = f'<circle cx="{x(rail.at)}" cy="{MIDDLE}" r="4" fill="currentColor" stroke="none"/>'
    return (
        f'<svg aria-hidden="true" width="{width}" height="100%" stroke="currentColor" '
        f'style="{_SVG}">{"".join(shapes)}{dot}</svg>'
    )
