"""TensorBoard's own event writer, without TensorFlow."""

from __future__ import annotations

from pathlib import Path


class Tracker:
    """An event file in the folder."""

    module = "tensorboard.summary"

    def prepare(self, folder: Path) -> None:
        """Nothing has to be set."""

    def start(self, folder: Path) -> None:
        """Open the event file."""
        from tensorboard.summary import Writer

        self._writer = Writer(str(folder))

    def log(self, values: dict[str, float], step: int) -> None:
        """Log the values of one step."""
        for key, value in values.items():
            self._writer.add_scalar(key, value, step)

    def finish(self) -> None:
        """Close the event file."""
        self._writer.close()

    def count_steps(self, folder: Path) -> int:
        """Return the number of scalars in the event files, divided by four for each step."""
        from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader

        files = folder.glob("events.out.*")
        return sum(sum(1 for _ in RawEventFileLoader(str(file)).Load()) for file in files) // 4
