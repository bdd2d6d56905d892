"""Records here what other trackers write: `python record.py FOLDER`, with their packages installed.

What lies beside this file was written so by tensorboardX 2.6, tensorboard 2.21, wandb 0.31 and
trackio 0.43.
"""

from __future__ import annotations

import math
import os
import shutil
import sqlite3
import sys
from pathlib import Path

import numpy as np


def tensorboard(folder: Path) -> None:
    """Scalars, a NaN, a text, a picture, a histogram, and hyperparameters."""
    from tensorboardX import SummaryWriter

    writer = SummaryWriter(str(folder / "a"))
    for step in range(5):
        writer.add_scalar("loss", 1 / (step + 1), step, walltime=1_760_000_000 + step)
    writer.add_scalar("odd", math.nan, 0, walltime=1_760_000_005)
    writer.add_text("note", "hello", 2, walltime=1_760_000_006)
    writer.add_image("pic/x", np.zeros((3, 4, 4), dtype=np.uint8), 1, walltime=1_760_000_007)
    writer.add_histogram("h", np.arange(10), 0, walltime=1_760_000_008)
    writer.add_hparams({"lr": 0.1, "opt": "adam", "flag": True}, {"final": 0.5}, name="hp")
    writer.close()
    _tensors(folder / "tensors")
    for place, file in enumerate(sorted(folder.rglob("*tfevents*"))):
        file.rename(file.with_name(f"events.out.tfevents.{1_760_000_000 + place}.host"))


def _tensors(folder: Path) -> None:
    """Scalars as TensorFlow 2 writes them: tensors of a plugin."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.plugins.scalar.summary_v2 import scalar_pb
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(folder))
    for step in range(3):
        summary = scalar_pb("acc", step / 2)
        writer.add_event(Event(summary=summary, wall_time=1_760_000_010 + step, step=step))
    writer.close()


def wandb(folder: Path) -> None:
    """A history with nested values and a picture, a configuration, tags, notes, a summary."""
    os.environ["WANDB_MODE"] = "offline"
    import wandb

    settings = wandb.Settings(
        host="host", program="train.py", x_disable_meta=True, x_disable_stats=True,
        x_save_requirements=False, disable_git=True, disable_code=True, console="off",
        save_code=False, root_dir=str(folder),
    )  # fmt: skip
    run = wandb.init(
        project="digits", name="first", id="first123", tags=["x"], notes="a note", group="g",
        config={"lr": 0.1, "model": {"depth": 3}}, settings=settings,
    )  # fmt: skip
    for step in range(5):
        run.log({"loss": 1 / (step + 1), "nested": {"a": step}, "word": "text"})
    run.log({"odd": math.nan, "pic": wandb.Image(np.zeros((4, 4, 3), dtype=np.uint8))})
    run.summary["best"] = 0.2
    run.finish()
    shutil.copy(next(folder.rglob("*.wandb")), folder / "run-first123.wandb")
    shutil.rmtree(folder / "wandb")


def trackio(folder: Path) -> None:
    """A configuration and a history; the database is kept as the SQL that makes it again."""
    os.environ["TRACKIO_DIR"] = str(folder / "trackio")
    import trackio

    trackio.init(project="digits", name="one", config={"lr": 0.1, "model": {"depth": 2}})
    for step in range(4):
        trackio.log({"loss": 1 / (step + 1), "odd": math.inf, "word": "text"})
    trackio.finish()
    with sqlite3.connect(folder / "trackio" / "digits.db") as database:
        (folder / "trackio.sql").write_text("\n".join(database.iterdump()))
    database.close()
    shutil.rmtree(folder / "trackio")


if __name__ == "__main__":
    here = Path(sys.argv[1])
    here.mkdir(parents=True, exist_ok=True)
    tensorboard(here / "tensorboard")
    wandb(here)
    trackio(here)
