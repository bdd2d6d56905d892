"""What ``%track status`` says: what is captured, and where it goes."""

from __future__ import annotations

from nbtrack.notebook.printed import MAX_BYTES
from nbtrack.store.store import Store
from nbtrack.tracking import context
from nbtrack.tracking.home import shorten

_CAPTURED = f"""\
A cell that starts with %%track gives its run:
  source       the cell, its number and id, and the notebook's path
  params       literals, data classes and namespaces assigned at the cell's top level; -p wins
  metrics      what the code logs; the last expression, when it is a number or a dict of numbers
  figures      those that the cell shows, under figures/
  output       the last {MAX_BYTES // 1024} KB of what it prints, in output.txt
  environment  Python, packages, machine, GPU, git commit
  end          status, duration, peak memory, and the traceback of an error
A cell that calls nbtrack.start_run gives its run: source, environment, end.
With the source are kept the earlier cells that it needed.
Not captured: other cells, environment variables.
Not kept: what looks like a secret, by its form or its name; the card says what was left out."""


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
    if store.server is None:
        place, files = shorten(str(store.path)), shorten(str(store.artifacts))
        return f"Runs go to {place}; artifacts to {files}."
    return f"Runs go to {store.uri}, by way of {shorten(str(store.folder))} on this machine."
