from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrack.errors import InvalidParameterError, InvalidStateError
from nbtrack.store import journal_reader
from nbtrack.store.journal import Journal

pytestmark = pytest.mark.older_duckdb

RUN = "a" * 32
CALLS = st.lists(
    st.tuples(
        st.dictionaries(
            st.sampled_from(["loss", "acc", "é/ü", "a b"]), st.floats(), min_size=1, max_size=4
        ),
        st.integers(-(2**63), 2**63 - 1),
    ),
    max_size=20,
)


def written(folder: Path, journal: Journal) -> list[tuple[str, int, float]]:
    tail = journal_reader.read_tail(folder, journal.name, 0, 0)
    keys = {e["number"]: e["key"] for e in tail.events if e["event"] == "series"}
    return [(keys[int(r["number"])], int(r["step"]), float(r["value"])) for r in tail.records]


@given(CALLS)
def test_what_was_logged_is_read_back_bit_for_bit(tmp_path_factory, calls):
    folder = tmp_path_factory.mktemp("journal")
    journal = Journal(folder, RUN)
    for metrics, step in calls:
        journal.points(metrics, step, 5)
    wanted = [(key, step, value) for metrics, step in calls for key, value in metrics.items()]
    got = written(folder, journal)
    assert [row[:2] for row in got] == [row[:2] for row in wanted]
    bits = [np.array([row[2] for row in rows]).tobytes() for rows in (got, wanted)]
    assert bits[0] == bits[1]
    journal.close()


@given(st.integers(0, 400), st.integers(0, 400))
def test_a_torn_tail_loses_only_what_is_torn(tmp_path_factory, events_cut, points_cut):
    folder = tmp_path_factory.mktemp("journal")
    journal = Journal(folder, RUN)
    for step in range(10):
        journal.points({"loss": float(step)}, step, 5)
    journal.event("tag", key="k", value="v")
    for cut, suffix in ((events_cut, ".events"), (points_cut, ".points")):
        path = folder / (journal.name + suffix)
        os.truncate(path, min(cut, path.stat().st_size))
    tail = journal_reader.read_tail(folder, journal.name, 0, 0)
    assert tail.damaged == 0
    kept = min(max(0, points_cut // 32 - 1), 10)  # the first record says what the points are of
    assert [int(r["step"]) for r in tail.records] == list(range(kept))
    journal.close()


def test_nothing_is_written_when_one_value_is_no_number(tmp_path):
    journal = Journal(tmp_path, RUN)
    with pytest.raises(InvalidParameterError, match="'b' needs a single number; got list"):
        journal.points({"a": 1.0, "b": [1, 2]}, 0, 5)
    assert written(tmp_path, journal) == []
    journal.close()


def test_a_bad_key_is_refused_before_anything_is_written(tmp_path):
    journal = Journal(tmp_path, RUN)
    with pytest.raises(InvalidParameterError, match="would resolve to"):
        journal.points({"ok": 1.0, "a/../b": 2.0}, 0, 5)
    assert written(tmp_path, journal) == []
    journal.close()


def test_a_closed_journal_takes_nothing_more(tmp_path):
    journal = Journal(tmp_path, RUN)
    journal.points({"a": 1.0}, 0, 5)
    journal.close()
    with pytest.raises(InvalidStateError, match="is closed"):
        journal.points({"a": 2.0}, 1, 5)


def test_a_tap_gets_what_is_logged_from_then_on(tmp_path):
    journal = Journal(tmp_path, RUN)
    journal.points({"a": 1.0}, 0, 5)
    tap = journal.tap()
    journal.points({"a": 2.0}, 1, 5)
    journal.untap(tap)
    journal.points({"a": 3.0}, 2, 5)
    records, numbers = tap.popleft()
    assert np.frombuffer(records, journal_reader.RECORD)["value"].tolist() == [2.0]
    assert numbers == {"a": 1}
    assert not tap
    journal.close()


def test_a_hole_left_by_a_power_cut_is_counted_and_passed_over(tmp_path):
    journal = Journal(tmp_path, RUN)
    journal.points({"a": 1.0}, 0, 5)
    with (tmp_path / (journal.name + ".points")).open("ab") as file:
        file.write(bytes(64))
    journal.points({"a": 2.0}, 1, 5)
    tail = journal_reader.read_tail(tmp_path, journal.name, 0, 0)
    assert tail.damaged == 2
    assert tail.records["value"].tolist() == [1.0, 2.0]
    journal.close()


def test_a_damaged_event_is_counted_and_passed_over(tmp_path):
    journal = Journal(tmp_path, RUN)
    with (tmp_path / (journal.name + ".events")).open("ab") as file:
        file.write(b'{"event":"tag","t"\xff:1}\n[]\n')
    journal.event("tag", key="k", value="v")
    tail = journal_reader.read_tail(tmp_path, journal.name, 0, 0)
    assert tail.damaged == 2
    assert [e["event"] for e in tail.events] == ["open", "tag"]
    journal.close()


def test_replacing_the_functions_of_json_changes_no_journal(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dumps = json.dumps
    monkeypatch.setattr(json, "dumps", lambda *a, **k: dumps(*a, **{**k, "indent": 2}))
    monkeypatch.setattr(json, "loads", lambda *a, **k: {})
    journal = Journal(workdir, RUN)
    journal.points({"loss": 0.5}, 0, 5)
    assert written(workdir, journal) == [("loss", 0, 0.5)]
