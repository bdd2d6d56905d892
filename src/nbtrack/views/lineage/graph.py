"""A lineage as nodes and edges, in an order in which each edge leads down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from nbtrack.entities import Run
from nbtrack.views.code import NeededCell
from nbtrack.views.data_state import DataFile
from nbtrack.views.formats import format_bytes
from nbtrack.views.lineage.facts import Ancestor, LineageFacts, MadeModel

MAX_CELLS = 10
MAX_FILES = 12
MAX_RUNS = 6

NodeKind: TypeAlias = Literal[
    "file",
    "dataset",
    "cell",
    "code",
    "environment",
    "run",
    "model",
    "version",
    "metric",
]


@dataclass(frozen=True)
class LineageNode:
    """Something that a run came from, or that came from it.

    Attributes
    ----------
    id : str
        Unique in the graph.
    kind : str
        ``"file"``, ``"dataset"``, ``"cell"``, ``"code"``, ``"environment"``, ``"run"``,
        ``"model"``, ``"version"`` or ``"metric"``.
    name : str
        What it is called.
    facts : str
        More about it, in a few words.
    state : str or None
        Of a file what it is now; of a run its status.
    run_id : str or None
        The run that it is, or belongs to.
    model_id : str or None
        The logged model that it is.
    version : int or None
        Of a registered model, whose name is then ``name``.
    """

    id: str
    kind: NodeKind
    name: str
    facts: str = ""
    state: str | None = None
    run_id: str | None = None
    model_id: str | None = None
    version: int | None = None


@dataclass(frozen=True)
class LineageEdge:
    """One node came out of another, or was made with it; both are ids."""

    source: str
    target: str


@dataclass(frozen=True)
class LineageGraph:
    """A lineage as a graph.

    Attributes
    ----------
    nodes : list of LineageNode
        What something came from stands before it.
    edges : list of LineageEdge
    """

    nodes: list[LineageNode] = field(default_factory=list)
    edges: list[LineageEdge] = field(default_factory=list)


def graph_of(line: LineageFacts) -> LineageGraph:
    """Return a lineage as a graph.

    Of many cells, files and nested runs there are the first, and one node for the others.
    """
    builder = _Builder()
    if line.model is not None or line.version is not None:
        builder.model(line, is_asked=True)
    elif line.run is not None:
        builder.run_with_results(line, line.run)
    return LineageGraph(list(builder.nodes.values()), list(builder.edges))


class _Builder:
    def __init__(self) -> None:
        self.nodes: dict[str, LineageNode] = {}
        self.edges: dict[LineageEdge, None] = {}

    def model(self, line: LineageFacts, *, is_asked: bool = False) -> str | None:
        """Add a model after what it came from, and return its id."""
        run = None if line.run is None else self._run(line, line.run, is_asked=is_asked)
        above, model = [run], line.model
        if model is not None:
            facts = ", ".join(filter(None, [model.model_type, str(model.status)]))
            node = LineageNode(
                f"model:{model.model_id}", "model", model.name, facts, model_id=model.model_id
            )
            above = [self._add(node, above)]
        if is_asked and line.version is not None and not line.versions:
            version = line.version
            self._version(version.name, version.version, list(version.aliases), above)
        if is_asked and line.made:
            self._versions(line.made[0], above)
        return above[0]

    def run_with_results(self, line: LineageFacts, run: Run) -> None:
        """Add a run after what it came from, and what came from it below."""
        run_node = self._run(line, run, is_asked=True)
        if line.metric is not None:
            value = f"{line.metrics[line.metric]:.6g}"
            name = f"metric:{run.info.run_id}/{line.metric}"
            node = LineageNode(name, "metric", line.metric, value, run_id=run.info.run_id)
            self._add(node, [run_node])
            return
        cells = {each.number: _cell_id(run, each) for each in line.cells}
        written = [each for each in line.files if each.mode == "written"]
        for node, file in _file_nodes(written, run):
            numbers = () if file is None else file.cells
            makers = [cells[n] for n in numbers if cells.get(n) in self.nodes]
            self._add(node, makers if len(makers) == len(numbers) > 0 else [*makers, run_node])
        for made in line.made:
            model = LineageNode(
                f"model:{made.id}", "model", made.name, made.status, model_id=made.id
            )
            self._versions(made, [self._add(model, [run_node])])
        for each in _first_runs(line.children):
            self._add(each, [run_node])

    def _run(self, line: LineageFacts, run: Run, *, is_asked: bool = False) -> str:
        """Add a run after what it came from, and return its id.

        Parameters
        ----------
        is_asked : bool
            Whether it is the run that was asked about: of those before it, the cells are one node.
        """
        info = run.info
        above = [self.model(each) for each in line.inputs]
        known = {each.model.model_id for each in line.inputs if each.model is not None}
        above += [
            self._add(LineageNode(f"model:{each.id}", "model", each.name, model_id=each.id))
            for each in line.models
            if each.id not in known
        ]
        if line.variation_of is not None:
            above.append(self._add(_run_node(line.variation_of, "the same cells")))
        if is_asked:
            above += self._parents(line.parents)
        for data in line.data:
            facts = ", ".join(filter(None, [data.context, data.source_type, data.digest]))
            node = LineageNode(f"dataset:{data.digest}:{data.name}", "dataset", data.name, facts)
            above.append(self._add(node))
        above += self._cells_and_files(line, run, is_asked=is_asked)
        if line.code.source or line.code.commit:
            name = (line.code.source or "code").replace("\\", "/").rpartition("/")[2]
            parts = str(replace(line.code, source=None)).split(", ")[1:]
            node = LineageNode(
                f"code:{info.run_id}", "code", name, ", ".join(parts), run_id=info.run_id
            )
            above.append(self._add(node))
        if is_asked and line.environment is not None and str(line.environment):
            first, _, rest = str(line.environment).partition(", ")
            node = LineageNode(
                f"environment:{info.run_id}", "environment", first, rest, run_id=info.run_id
            )
            above.append(self._add(node))
        verdict = f"run again: {line.verdict}" if line.verdict else None
        facts = ", ".join(filter(None, [line.experiment, verdict]))
        node = LineageNode(
            f"run:{info.run_id}", "run", info.run_name, facts, info.status, run_id=info.run_id
        )
        return self._add(node, above)

    def _cells_and_files(self, line: LineageFacts, run: Run, *, is_asked: bool) -> list[str]:
        """Add cells, each after the files that it read, and return what leads to the run."""
        read = [each for each in line.files if each.mode == "read"]
        readers = {number for each in read for number in each.cells}
        if is_asked:
            shown = sorted(line.cells, key=lambda cell: cell.number not in readers)[:MAX_CELLS]
            cells = [each for each in line.cells if each in shown]
        else:
            cells = []
        above = []
        rest = [each for each in line.cells if each not in cells]
        if rest:
            numbers = ", ".join(f"[{each.number or '?'}]" for each in rest[:MAX_CELLS])
            more = len(rest) - MAX_CELLS
            name = numbers + (f" and {more} more" if more > 0 else "")
            run_id = run.info.run_id
            node = LineageNode(f"cells:{run_id}", "cell", name, run_id=run_id)
            above.append(self._add(node))
        files = _file_nodes(read, run)
        of_cells = {each.number: _cell_id(run, each) for each in cells}
        for cell in cells:
            mine = [n for n, file in files if file is not None and cell.number in file.cells]
            sources = [self._add(node) for node in mine]
            flags = [
                cell.why,
                "edited since" if cell.edited else "",
                "kept for safety" if cell.for_safety else "",
                "failed" if cell.failed else "",
            ]
            node = LineageNode(
                _cell_id(run, cell), "cell", f"[{cell.number or '?'}]",
                ", ".join(filter(None, flags)), run_id=run.info.run_id,
            )  # fmt: skip
            above.append(self._add(node, sources))
        above += [
            self._add(node)
            for node, file in files
            if file is None or not file.cells or any(n not in of_cells for n in file.cells)
        ]
        return above

    def _parents(self, parents: Sequence[Ancestor]) -> list[str]:
        """Add the runs that a run is nested in, the outermost first."""
        above: list[str] = []
        for each in reversed(parents):
            above = [self._add(_run_node(each), above)]
        return above

    def _versions(self, made: MadeModel, above: Iterable[str | None]) -> None:
        for name, version, aliases in made.versions:
            self._version(name, version, aliases, above)

    def _version(
        self, name: str, version: int, aliases: list[str], above: Iterable[str | None]
    ) -> None:
        facts = " ".join(f"@{alias}" for alias in aliases)
        node = LineageNode(f"version:{name}/{version}", "version", name, facts, version=version)
        self._add(node, above)

    def _add(self, node: LineageNode, above: Iterable[str | None] = ()) -> str:
        self.nodes.setdefault(node.id, node)
        for each in above:
            if each is not None and each != node.id:
                self.edges[LineageEdge(each, node.id)] = None
        return node.id


def _cell_id(run: Run, cell: NeededCell) -> str:
    return f"cell:{run.info.run_id}/{cell.number}"


def _run_node(run: Ancestor, facts: str = "") -> LineageNode:
    return LineageNode(f"run:{run.id}", "run", run.name, facts, run_id=run.id)


def _first_runs(runs: Sequence[Ancestor]) -> list[LineageNode]:
    found = [_run_node(each) for each in runs[:MAX_RUNS]]
    if (more := len(runs) - MAX_RUNS) > 0:
        found.append(LineageNode("runs:more", "run", f"{more} more nested runs"))
    return found


def _file_nodes(files: Sequence[DataFile], run: Run) -> list[tuple[LineageNode, DataFile | None]]:
    """Return nodes of files, those that are not as they were first; one for those left out."""
    ordered = sorted(files, key=lambda file: file.state in ("same", "not here", "not looked at"))
    found: list[tuple[LineageNode, DataFile | None]] = []
    for file in ordered[:MAX_FILES]:
        where = file.sha256 or run.info.run_id
        count = f"{file.count:,} files, " if file.count > 1 else ""
        written = "written, " if file.mode == "written" else ""
        facts = f"{written}{count}{format_bytes(file.size)}"
        node = LineageNode(
            f"file:{where}/{file.path}", "file", file.path, facts, file.state, run.info.run_id
        )
        found.append((node, file))
    if (more := len(ordered) - MAX_FILES) > 0:
        mode = ordered[0].mode
        node = LineageNode(f"files:{run.info.run_id}/{mode}", "file", f"{more:,} more files")
        found.append((node, None))
    return found
