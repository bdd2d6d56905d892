"""The magics: ``%%track``, ``%track``, ``%runs``; ``%load_ext nbtrack`` brings them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.inputtransformer2 import cell_magic as as_cell_magic
from IPython.core.magic import (
    Magics,
    line_cell_magic,
    line_magic,
    magics_class,
    no_var_expand,
)

from nbtrack.errors import NbtrackError
from nbtrack.notebook.cards import show_card
from nbtrack.notebook.cells import cells_of
from nbtrack.notebook.options import TrackOptions, parse_options, track_matcher, unknown_option
from nbtrack.notebook.printed import MAX_BYTES
from nbtrack.redaction.values import display_path
from nbtrack.store import Store
from nbtrack.tracking import context
from nbtrack.tracking import start as starting
from nbtrack.tracking.run import ActiveRun

if TYPE_CHECKING:
    from nbtrack.views.widgets.comparison import Comparison
    from nbtrack.views.widgets.run_table import RunTable

_FIRST_LINE = re.compile(r"%%track(?=\s|$)(.*)")
_as_cell_magic: Any = as_cell_magic
_FUTURE = re.compile(r"from\s+__future__\s+import\s+[\w\s,]+?(?:#.*)?$")
_CAPTURED = f"""\
A cell that starts with %%track gives its run:
  source       the cell, its number and id, and the notebook's path
  params       literals, data classes and namespaces assigned at the cell's top level; -p wins
  metrics      what the code logs; the last expression, when it is a number or a dict of numbers
  found        params, when the code logs none: literals of the earlier cells that it needed,
               optimizers and estimators that it used; metrics, when the code logs none: Keras
               histories, lists of numbers that grew, numbers printed. The card says where each
               came from, and a click there or -x NAME leaves it out
  --auto       what libraries train, and loops of PyTorch, without a log call: losses, scores,
               learning rate, epochs, settings, models. What the code logs itself comes first.
               It ends with the cell; nbtrack.autolog() does the same for all cells
  figures      those that the cell shows, under figures/
  output       the last {MAX_BYTES // 1024} KB of what it prints, in output.txt
  environment  Python, packages, machine, GPU, git commit
  end          status, duration, peak memory, and the traceback of an error
A cell that calls nbtrack.start_run gives its run: source, environment, end. Below %%track, a
start_run joins the run of the cell and gives it its name, experiment and tags; several of them
are runs inside it.
With the source are kept the earlier cells that it needed.
Not captured: other cells, environment variables.
Not kept: what looks like a secret, by its form or its name; the card says what was left out."""


def load(shell: Any) -> None:
    """Register the magics, their completion, and what makes ``%%track`` a part of the cell."""
    cells = cells_of(shell)
    if cells.statements not in shell.ast_transformers:
        shell.ast_transformers.append(cells.statements)
    shell.register_magics(TrackMagics)
    transforms = shell.input_transformers_cleanup
    if track_transform not in transforms:
        # before IPython's own, which would make a string of the cell
        place = transforms.index(as_cell_magic) if as_cell_magic in transforms else len(transforms)
        transforms.insert(place, track_transform)
    matchers = shell.Completer.custom_matchers
    if track_matcher not in matchers:
        matchers.append(track_matcher)


def track_transform(lines: list[str]) -> list[str]:
    """Turn the line of ``%%track`` into a statement, so that the cell below runs as it is.

    The namespace, line numbers, top-level ``await``, the last value and tracebacks are those of
    the cell without the line.
    """
    match = _FIRST_LINE.match(lines[0]) if lines else None
    if match is None:
        return lines
    begin = f"get_ipython().run_line_magic('track_cell', {match.group(1).strip()!r})\n"
    body = lines[1:]
    first = next((i for i, line in enumerate(body) if line.strip()), len(body))
    if first < len(body) and body[first].startswith("%%"):
        inner = body[first:]
        made = track_transform(inner)
        return [begin, *body[:first], *(made if made is not inner else _as_cell_magic(inner))]
    imports = []
    while first < len(body) and (not body[first].strip() or _FUTURE.match(body[first].strip())):
        if body[first].strip():
            imports.append(body[first].partition("#")[0].strip())
            body[first] = "\n"
        first += 1
    return ["; ".join([*imports, begin]), *body]


def _body(raw_cell: str) -> str:
    """Return what stands below the line of ``%%track``."""
    lines = raw_cell.split("\n")
    places = [i for i, line in enumerate(lines) if _FIRST_LINE.match(line.strip())]
    return "\n".join(lines[places[0] + 1 :]) if places else raw_cell


@magics_class
class TrackMagics(Magics):
    """What ``%load_ext nbtrack`` adds."""

    shell: Any

    @no_var_expand
    @line_cell_magic
    def track(self, line: str, cell: str | None = None) -> Any:
        """Make this cell a run, or see and switch what is captured.

        %%track [NAME] [-e EXPERIMENT] [-p key=value]... [-t key=value]... [-x name]...
                [--nested] [--resume RUN] [--auto] [--quiet] [--grid name=values]...

            NAME                   the run's name; a random one without
            -e, --experiment NAME  its experiment; made if there is none
            -p, --param key=value  a param; wins over what is found in the cell
            -t, --tag key=value    a tag
            -x, --without NAME     leaves out what is found of this name, or pattern: -x 'clf.*'
            --nested               under the run that is open
            --resume RUN           go on with a run, by id or name
            --auto                 what libraries and PyTorch loops do is logged by itself
            -q, --quiet            without the card

        A nbtrack.start_run in the cell joins its run: name, experiment and tags come from there,
        where this line does not give them. Several of them are runs inside it.

        With --grid the cell is run once for each combination, with these values in the place of
        its literals; each is a run inside a parent run:

            --grid lr=1e-3,1e-4    values: Python literals, else texts; also cfg.lr=...
            --grid seed=0..4       0, 1, 2, 3, 4; 0..10..5 is 0, 5, 10
            --sampler NAME         random or optuna, with --trials N; then also ranges:
            --grid lr=log(1e-5,1)  also uniform(0,1) and int(1,8)
            --minimize METRIC      which run is best; or --maximize METRIC
            --seed N               of the sampler
            --jobs N               in so many processes, in which the earlier cells that this one
                                   needs are run first
            --resume RUN           of a grid: the combinations that have finished are left out

        Without a cell below it:

            %track status          what is captured, and where it goes
            %track off             no runs are made: cells with %%track run as they would without it
            %track on              tracks again
        """
        if cell is not None:  # called by name: the cell below the line has not run yet
            self.shell.run_cell(f"%%track {line}\n{cell}", silent=False).raise_error()
            return None
        word = line.strip().rstrip(";").strip() or "status"
        cells = cells_of(self.shell)
        if word in ("on", "off"):
            cells.capturing = word == "on"
        elif word != "status":
            raise UsageError(
                f"%track takes status, on or off, not {word!r}. "
                f"To track a cell, put %%track {word} on its first line."
            )
        print(status_text(capturing=cells.capturing))  # noqa: T201  what was asked for
        return None

    @no_var_expand
    @line_magic
    def track_cell(self, line: str) -> Any:
        """Start the run of the cell that this line stands in; it ends with the cell.

        Takes what %%track takes: the line %%track becomes this one when the cell is executed.
        """
        options = parse_options(line)
        cells = cells_of(self.shell)
        if not cells.capturing:
            print("Not tracked: %track off was called. %track on tracks again.")  # noqa: T201
            return None
        if cells.current is None:
            raise UsageError("%track_cell stands in a cell of a notebook.")
        source = _body(cells.current.raw_cell)
        if not source.strip():
            raise UsageError("There is nothing to track: the cell below %%track is empty.")
        if options.grid:
            from nbtrack.notebook.grid_session import track_grid

            __tracebackhide__ = True
            return track_grid(self.shell, cells, options, source, _started)
        try:
            run = _started(options)
            run.writer.log_params(options.params)
            capture = cells.track(
                run,
                source,
                options.without,
                line=f"%%track {line}".strip(),
                auto=options.auto,
                fixed=options.fixed,
            )
        except NbtrackError as error:
            raise UsageError(str(error)) from None
        if not options.quiet:
            show_card(
                run, source=capture.source, literals={**capture.literals, **run.writer.params}
            )
        capture.start()
        return None

    @no_var_expand
    @line_cell_magic
    def runs(self, line: str, cell: str | None = None) -> RunTable:
        """Show the runs of the active experiment that fit a filter, or the result of SQL.

        %runs [FILTER]         such as: %runs metrics.val_loss < 0.3 and params.lr = '0.1'

        %%runs [-o NAME]       SQL below it, as nbtrack.sql takes it: data frames by their names.
        SELECT ...             Rows with a run_id are shown as runs, in that order.

            -o NAME            the variable that gets the DataFrame
        """
        from nbtrack.views.widgets.store_run_table import runs_table

        if cell is not None:
            return self._result(line, cell)
        filter_string = line.strip().rstrip(";").strip()
        if filter_string.startswith("-"):
            raise UsageError(f"%runs takes a filter and no options; got {filter_string!r}.")
        store = context.store()
        try:
            return runs_table(store, [starting.active_experiment_id(store)], filter_string)
        except NbtrackError as error:
            raise UsageError(str(error)) from None

    def _result(self, line: str, query: str) -> RunTable:
        from nbtrack.views.widgets.store_run_table import result_table

        name = _output_name(line)
        if not query.strip():
            raise UsageError("There is no SQL below %%runs. Such as: SELECT * FROM runs")
        store = context.store()
        try:
            with store.read(files=True) as reader:
                frame = reader.query(query, self.shell.user_ns)
            if name:
                self.shell.user_ns[name] = frame
            return result_table(store, frame)
        except NbtrackError as error:
            raise UsageError(str(error)) from None

    @no_var_expand
    @line_magic
    def compare(self, line: str) -> Comparison:
        """Show runs side by side: a table linked with curves, parallel coordinates, differences.

        %compare [FILTER or NAMES]   such as: %compare metrics.val_loss < 0.3
                                              %compare otter-3 heron-7
        """
        from nbtrack.views.widgets.comparison import Comparison

        wanted = line.strip().rstrip(";").strip()
        if wanted.startswith("-"):
            raise UsageError(f"%compare takes a filter or names and no options; got {wanted!r}.")
        store = context.store()
        try:
            return Comparison(store, [starting.active_experiment_id(store)], wanted)
        except NbtrackError as error:
            raise UsageError(str(error)) from None


def _output_name(line: str) -> str:
    """Return the variable that ``-o`` names, or nothing."""
    words = line.strip().rstrip(";").split()
    if not words:
        return ""
    if len(words) != 2 or words[0] not in ("-o", "--out") or not words[1].isidentifier():
        raise UsageError(
            f"%%runs takes -o NAME and SQL in the lines below it; got {line.strip()!r}. "
            "A filter goes into %runs."
        )
    return words[1]


def _started(options: TrackOptions) -> ActiveRun:
    store = context.store()
    experiment_id = None
    if options.experiment:
        experiment_id = starting.get_or_create_experiment(store, options.experiment)
    run_id = None
    if options.resume:
        from nbtrack.store import find_run

        with store.read() as reader:
            run_id = find_run(
                reader, options.resume, experiment_id or starting.active_experiment_id(store)
            )
    return starting.start_run(
        run_id=run_id,
        experiment_id=experiment_id,
        run_name=options.name,
        nested=options.nested,
        tags=options.tags or None,
        shown=True,
    )


def status_text(*, capturing: bool) -> str:
    """Return what is captured and where it goes."""
    store = context.store()
    run = context.current()
    lines = [
        "Tracking is on." if capturing else "Tracking is off: %%track runs cells without a run.",
        _where(store),
    ]
    if run is not None:
        lines.append(f"The run {run.info.run_name} ({run.info.run_id}) is open.")
    return "\n".join([*lines, _CAPTURED])


def _where(store: Store) -> str:
    if not store.is_shared:
        place, files = display_path(str(store.path)), display_path(str(store.artifacts))
        return f"Runs go to {place}; artifacts to {files}."
    return f"Runs go to {store.uri}, by way of {display_path(str(store.folder))} on this machine."


__all__ = ["TrackMagics", "load", "track_transform", "unknown_option"]
