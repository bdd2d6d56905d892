"""Models that tests log, without any framework."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbtrack.tracking import context
from nbtrack.tracking import logged_models as made


def log_model(name: str = "net", text: str = "weights", **options: object) -> made.PendingModel:
    """Log a model of two files, as a flavor does."""
    model = made.start(context.store(), name, **options)
    (model.place / "MLmodel").write_text("flavors: {}\n")
    (model.place / "data").mkdir()
    (model.place / "data" / "weights.bin").write_bytes(text.encode() * 1000)
    model.finish()
    return model


def stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the models that were saved so far be somebody else's, with no record of their files."""
    monkeypatch.setenv("XDG_STATE_HOME", str(Path("another user").absolute()))
    for record in Path().glob("*/nbtrack-files.json"):
        record.unlink()
