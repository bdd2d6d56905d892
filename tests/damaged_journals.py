"""Journals with every kind of damage that a disk, a power cut or a stranger can do to them."""

from __future__ import annotations

import json
import os
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbtrack.store.journal import Journal

RECORD = struct.Struct("<qqdII")
VALUES: tuple[Any, ...] = (
    None, True, 5, -1, 10**400, 2**63, 1.5, float("nan"), "", "x", "\ud800", "a\0b", "é" * 9000,
    [], [1, [2]], {}, {"a": 1}, {"a": {"b": []}},
)  # fmt: skip
KINDS = (
    "open", "close", "series", "run", "update", "param", "tag", "untag", "suggest", "artifact",
    "input", "model", "model_update", "model_clear", "model_param", "model_tag", "model_untag",
    "model_artifact", "model_metric", "model_input", "model_output",
)  # fmt: skip
FIELDS = (
    "run_id", "experiment_id", "run_name", "status", "start_time", "end_time", "user_id", "host",
    "artifact_uri", "pid", "started", "place", "key", "value", "number", "path", "size", "sha256",
    "name", "digest", "source_type", "source", "schema", "profile", "tags", "params", "model_id",
    "message", "created", "step", "time", "dataset_name", "dataset_digest", "t",
)  # fmt: skip


class Damage:
    """Makes one damaged journal in a folder; the same seed makes the same one.

    Parameters
    ----------
    folder : Path
    other : str
        A run that the journal does not belong to.
    seed : int
    """

    def __init__(self, folder: Path, other: str, seed: int) -> None:
        self.chance = random.Random(seed)
        self.other = other
        self.run_id = f"{seed:032x}"
        journal = Journal(folder, self.run_id)
        journal.event(
            "run", experiment_id="0", run_name=f"damaged-{seed}", user_id="", status="RUNNING",
            start_time=5, artifact_uri=None,
        )  # fmt: skip
        for step in range(20):
            journal.points({"loss": float(step), "a metric of a long name": 1.0}, step, 5)
        journal.event("tag", key="k", value="v")
        self.name = journal.name
        self.events = folder / f"{journal.name}.events"
        self.points = folder / f"{journal.name}.points"
        journal.close()
        self.kind = self.chance.choice(self.kinds())
        self.kind()

    def kinds(self) -> list[Callable[[], None]]:
        """Return the ways to damage the journal."""
        return [
            self.odd_events, self.odd_events, self.odd_events, self.odd_records, self.odd_records,
            self.undeclared, self.renamed, self.garbage_events, self.garbage_points, self.zeros,
            self.truncated, self.no_events, self.no_points, self.flipped, self.flipped,
            self.something_else, self.of_another_run, self.empty,
        ]  # fmt: skip

    def odd_events(self) -> None:
        """Lines of each kind with fields of each type."""
        lines = []
        for _ in range(30):
            event: dict[str, Any] = {"event": self.chance.choice((*KINDS, "of the future", "", 7))}
            event["t"] = 5
            for field in self.chance.sample(FIELDS, self.chance.randrange(len(FIELDS))):
                event[field] = self.chance.choice((*VALUES, 5, "x", self.run_id, self.other))
            lines.append(json.dumps(event).encode())
        self._append(self.events, b"\n".join(lines) + b"\n")

    def odd_records(self) -> None:
        """Steps, times and numbers that nobody would log."""
        odd = (0, -1, 1, 2**31, 2**62, -(2**63), 2**63 - 1, 253_402_300_800_000)
        for _ in range(10):
            number = self.chance.choice((0, 1, 2, 3, 2**31, 2**32 - 1))
            pad = self.chance.choice((0, 1, 0x5342_4E01, 0x5342_4E02))
            step, time = self.chance.choice(odd), self.chance.choice(odd)
            self._append(self.points, RECORD.pack(step, time, 1.0, number, pad))

    def undeclared(self) -> None:
        """The lines and records that say what the points are of are lost."""
        kept = [line for line in self._lines() if b'"series"' not in line]
        self.events.write_bytes(b"".join(kept))
        raw = self.points.read_bytes()
        records = [raw[i : i + 32] for i in range(0, len(raw), 32)]
        kept = [each for each in records if RECORD.unpack(each)[3] != 0]
        self.points.write_bytes(b"".join(kept))

    def renamed(self) -> None:
        """A number stands for two metrics."""
        line = {"event": "series", "t": 5, "run_id": self.run_id, "number": 1, "key": "acc"}
        self._append(self.events, json.dumps(line).encode() + b"\n")

    def garbage_events(self) -> None:
        """Bytes instead of lines."""
        self.events.write_bytes(self.chance.randbytes(self.chance.randrange(1, 5000)))

    def garbage_points(self) -> None:
        """Bytes instead of records."""
        self.points.write_bytes(self.chance.randbytes(self.chance.randrange(1, 5000)))

    def zeros(self) -> None:
        """The size is kept, and the end of the content is not."""
        for path in (self.events, self.points):
            size = path.stat().st_size
            os.truncate(path, self.chance.randrange(size))
            os.truncate(path, size)

    def truncated(self) -> None:
        """The ends are lost."""
        for path in (self.events, self.points):
            os.truncate(path, self.chance.randrange(path.stat().st_size))

    def no_events(self) -> None:
        """There are only points."""
        self.events.unlink()

    def no_points(self) -> None:
        """There are only events."""
        self.points.unlink()

    def flipped(self) -> None:
        """A few bytes are others."""
        for path in (self.events, self.points):
            raw = bytearray(path.read_bytes())
            for _ in range(self.chance.randrange(1, 20)):
                raw[self.chance.randrange(len(raw))] = self.chance.randrange(256)
            path.write_bytes(raw)

    def something_else(self) -> None:
        """Something that is no file is in the place of one."""
        path = self.chance.choice((self.events, self.points))
        path.unlink()
        match self.chance.randrange(5):
            case 0:
                path.mkdir()
            case 1:
                os.mkfifo(path)
            case 2:
                path.symlink_to("/etc/hostname")
            case 3:
                path.symlink_to(path)
            case 4:
                path.symlink_to("/nowhere")

    def of_another_run(self) -> None:
        """The lines are about another run."""
        raw = self.events.read_bytes().replace(self.run_id.encode(), self.other.encode())
        self.events.write_bytes(raw)

    def empty(self) -> None:
        """Nothing of the content is left."""
        self.events.write_bytes(b"")
        self.points.write_bytes(b"")

    def _lines(self) -> list[bytes]:
        return self.events.read_bytes().splitlines(keepends=True)

    @staticmethod
    def _append(path: Path, data: bytes) -> None:
        with path.open("ab") as file:
            file.write(data)
