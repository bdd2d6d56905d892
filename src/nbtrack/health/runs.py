"""The runs of a store, and what became of them."""

from __future__ import annotations

from collections.abc import Iterator

from nbtrack.health.finding import Finding, note
from nbtrack.store import Reader, count_runs, silent_runs

MOST = 10


def findings(reader: Reader, *, own: bool) -> Iterator[Finding]:
    """Say how many runs there are, and what became of them.

    Parameters
    ----------
    reader : Reader
    own : bool
        Whether what is deleted can be removed here for good.
    """
    counts = count_runs(reader)
    active = {each.status: each.count for each in counts if each.stage == "active"}
    yield Finding(
        "runs",
        ", ".join(f"{count} {status.lower()}" for status, count in sorted(active.items()))
        or "none yet",
    )
    if active.get("INTERRUPTED"):
        yield note(
            "runs",
            f"{active['INTERRUPTED']} were interrupted: their process ended without a word.",
            "nbtrack runs search --filter \"status = 'INTERRUPTED'\" shows them; resume one with "
            "start_run(run_id=...), or delete it.",
        )
    gone = [each for each in counts if each.stage == "deleted"]
    if gone and own:
        yield note(
            "runs",
            f"{sum(each.count for each in gone)} are deleted, with "
            f"{sum(each.artifact_bytes for each in gone) / 1e6:.1f} MB of artifacts.",
            "nbtrack gc removes them for good.",
        )


def silent(reader: Reader) -> Iterator[Finding]:
    """Name the running runs that show no sign of life.

    Parameters
    ----------
    reader : Reader
    """
    found = silent_runs(reader)
    if found:
        longest = max(found.values())
        shown = ", ".join(sorted(found)[:MOST])
        since = "ever" if longest == float("inf") else f"up to {longest / 60:.0f} minutes"
        yield note(
            "runs",
            f"{len(found)} running runs show no sign of life for {since}: {shown}. Their machine "
            "is suspended, gone or without network; only it can tell that they are over.",
            "When you know that a run is over: nbtrack.Client().set_terminated(run_id, 'KILLED').",
        )
