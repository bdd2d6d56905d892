"""Code that computes with the time of day, or keeps results as they are completed."""

from __future__ import annotations

import pytest

from nbtrack.notebook.timing_use import computes_with_clock, takes_completion_order

SEARCH = """\
def search(limit):
    begin = perf_counter()
    for x in grid:
        if perf_counter() - begin > limit:
            break"""
STOP = """\
class Stop:
    def __init__(self):
        self.t0 = time.time()
    def __call__(self, epoch):
        if time.time() - self.t0 > 9:
            return True"""


@pytest.mark.parametrize(
    "cells",
    [
        ["from datetime import datetime\nnow = datetime.now()", "df['age'] = now.year - df.born"],
        ["number = int(time.time()) % 97"],
        ["begin = dt.datetime.now()\nnumber = begin.microsecond", "x = {'n': number * scale}"],
        ["start = time.time()", "while time.time() - start < 60:\n    step()"],
        ["end = time.monotonic() + 5\nwhile time.monotonic() < end:\n    step()"],
        [SEARCH],
        [STOP],
    ],
)
def test_what_another_time_of_day_changes_is_found(cells: list[str]) -> None:
    assert computes_with_clock(cells)


@pytest.mark.parametrize(
    "cells",
    [
        ["t0 = time.time()", "fit()\nprint('took', time.time() - t0)", "took = time.time() - t0"],
        ["t0 = time.time()\nrate = n / (time.time() - t0)\nleft = (time.time() - t0) / i * todo"],
        ["total = 0\nt = time.time()\ntotal += time.time() - t\nmean = total / 3"],
        ["now = datetime.now()\nname = f'run-{now:%H%M}' + now.strftime('%d') + suffix"],
        ["print('%s: %d' % (datetime.now(), n))\nprint('at %s' % datetime.now())"],
        ["if time.time() - last > 30:\n    print(loss)\n    last = time.time()"],
        ["def since(begin):\n    s = time.time() - begin\n    return s / 60"],
        ["start = datetime.now()\nseconds = (datetime.now() - start).total_seconds() / 60"],
        ["seed = int(time.time()) % 97", "rng = np.random.default_rng(time.time_ns() % big)"],
        ["now = datetime.now()\nnow = 3\nx = now % 5", "today = frame.time.now() * 3", "=="],
    ],
)
def test_how_long_something_takes_is_no_result(cells: list[str]) -> None:
    assert not computes_with_clock(cells)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("scores = [f.result() for f in as_completed(futures)]", True),
        ("for r in tqdm(pool.imap_unordered(work, items), total=9):\n    found.append(r)", True),
        ("rows = list(pool.imap_unordered(work, items))", True),
        ("for f in as_completed(names):\n    scores[names[f]] = f.result()", False),
        ("scores = sorted(pool.imap_unordered(work, items))", False),
        ("for r in sorted(pool.imap_unordered(work, items)):\n    found.append(r)", False),
        ("scores = {names[f]: f.result() for f in as_completed(names)}", False),
    ],
)
def test_results_in_the_order_of_their_completion_are_found(source: str, found: bool) -> None:
    assert takes_completion_order([source]) is found
