"""``python -m nbtrack.reruns``: a rerun as a process of its own; its verdict stays with the run."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence

from nbtrack.errors import NbtrackError
from nbtrack.reruns.comparison import facts_of
from nbtrack.reruns.rerunning import rerun
from nbtrack.reruns.verdict import verdict_of
from nbtrack.store import Store, get_run, now_ms, open_store


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a run again; return 0 if it is the same, 1 if not, 2 if its cells cannot be run.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.
    """
    parser = argparse.ArgumentParser(prog="python -m nbtrack.reruns")
    parser.add_argument("run_id")
    parser.add_argument("--cells", choices=("needed", "all"), default="needed")
    parser.add_argument("--timeout", type=float, help="seconds for each attempt")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    store = open_store(None)
    try:
        verdict = rerun(store, options.run_id, cells=options.cells, timeout=options.timeout)
    except NbtrackError as error:
        _keep_error(store, options.run_id, error)
        sys.stderr.write(f"nbtrack: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    finally:
        store.close()
    return 0 if verdict.same else 2 if verdict.result == "failed" else 1


def _keep_error(store: Store, run_id: str, error: NbtrackError) -> None:
    """Keep the reason with the run: nobody sees what this process prints."""
    with store.read() as reader:
        then = facts_of(reader, get_run(reader, run_id))
    found = verdict_of(
        then, None, None, date=now_ms(), result="failed", text=str(error), cause="error"
    )
    found.keep(store.writer(run_id))


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
