"""What a server said earlier does not replace what it said later, whoever writes it."""

from __future__ import annotations

import time
from pathlib import Path

from nbtrack.store.remote.response_times import NAME, Response, ResponseTimes


def answer(question: str, asked: int) -> Response:
    return Response(question, asked, lambda reader: None)


def test_an_older_answer_is_left_out(tmp_path: Path) -> None:
    now = time.time_ns()
    times = ResponseTimes(tmp_path)
    times.note([answer("experiments", now)])
    older, same, other = (
        answer("experiments", now - 1), answer("experiments", now), answer("runs 1", now - 1),
    )  # fmt: skip
    assert ResponseTimes(tmp_path).newer([older, same, other]) == [same, other]


def test_a_clock_that_was_set_back_keeps_nothing_out(tmp_path: Path) -> None:
    now = time.time_ns()
    times = ResponseTimes(tmp_path)
    times.note([answer("experiments", now + 3_600 * 10**9)])
    early = answer("experiments", now)
    assert times.newer([early]) == [early]


def test_a_torn_file_counts_as_none_and_old_questions_are_dropped(tmp_path: Path) -> None:
    now = time.time_ns()
    (tmp_path / NAME).write_text('{"experiments": 12', "utf-8")
    times = ResponseTimes(tmp_path)
    times.note([answer("runs 1", now - 3_600 * 10**9)])
    times.note([answer("runs 2", now)])
    assert '"runs 1"' not in (tmp_path / NAME).read_text("utf-8")
    assert times.newer([answer("runs 2", now - 1)]) == []
