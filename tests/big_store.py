"""A store with many runs, made in a moment: straight into the database."""

from __future__ import annotations

from pathlib import Path

from nbtrack.config import resolve
from nbtrack.store.store import Store

METRICS = ("loss", "acc", "val_loss", "val_acc", "f1", "auc", "lr_now", "grad_norm", "mae", "rmse")

_RUNS = """
INSERT INTO runs
SELECT md5(i::VARCHAR), '0', 'run-' || lpad(i::VARCHAR, 5, '0'),
       CASE WHEN i % 97 = 0 THEN 'FAILED' ELSE 'FINISHED' END,
       make_timestamp((1760000000000 + i * 60000) * 1000),
       make_timestamp((1760000000000 + i * 60000 + i % 5000 * 100) * 1000),
       'ada', 'active', NULL, NULL, 'host', 1, 1, NULL
FROM range({runs}) t(i)
"""
_PARAMS = """
INSERT INTO params
SELECT md5(i::VARCHAR), 'p' || k,
       CASE k % 3 WHEN 0 THEN (10.0 ** (-((i // 5) * (k + 7) % 5)))::VARCHAR
                  WHEN 1 THEN (((i // 5) * (k + 3)) % 17)::VARCHAR
                  ELSE ['adam', 'sgd', 'lion'][1 + ((i // 5) * (k + 1)) % 3] END
FROM range({runs}) t(i), range(24) u(k)
UNION ALL SELECT md5(i::VARCHAR), 'seed', (i % 5)::VARCHAR FROM range({runs}) t(i)
"""
_TAGS = """
INSERT INTO tags
SELECT md5(i::VARCHAR), 'team', ['red', 'blue', 'green'][1 + i % 3] FROM range({runs}) t(i)
"""
_SERIES = """
INSERT INTO series
SELECT i * 20 + k + 1, md5(i::VARCHAR), {names}[k + 1], 30, 0, 29, 0,
       exp(-3) + ((i * 7919 + k * 31) % 10007) / 10007.0, 0.1, 29, 1.2, 0, 29000, 0, 0
FROM range({runs}) t(i), range(20) u(k)
"""
_POINTS = """
INSERT INTO points
SELECT i * 20 + k + 1, s, s * 1000, exp(-s / 10.0) + ((i * 7919 + k * 31) % 10007) / 10007.0
FROM range({runs}) t(i), range(20) u(k), range(30) v(s)
"""


def make_store(folder: Path, runs: int = 10_000) -> None:
    """Make a store of so many runs with 25 params, 20 metrics of 30 points, and a tag."""
    names = [*METRICS, *(f"m{i}" for i in range(20 - len(METRICS)))]
    store = Store(resolve(str(folder / "nbtrack.duckdb")))
    with store.write() as reader:
        for text in (_RUNS, _PARAMS, _TAGS, _SERIES, _POINTS):
            reader.connection.execute(text.format(runs=runs, names=names))
    store.close()
