"""The card under the cell: live where a browser looks, a picture with its data in the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kernels import VIEW, WIDGET, Kernel, Output, kernel

TRAIN = """
for step in range({n}):
    nbtrack.log_metrics({{"loss": 1 / (step + 1), "acc": step / {n}}}, step=step)
    time.sleep({pause})
"""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel(tmp_path_factory.mktemp("live"), NBTRACK_DISPLAY="live") as running:
        yield running


@pytest.fixture(scope="module")
def static(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel(tmp_path_factory.mktemp("static")) as running:
        yield running


def comm_messages(out: Output) -> list[dict[str, object]]:
    return [
        message["content"]["data"]
        for message in out.messages
        if message["msg_type"] == "comm_msg" and "data" in message["content"]
    ]


def test_the_curve_grows_while_the_cell_runs(live: Kernel) -> None:
    out = live.run("%%track grows" + TRAIN.format(n=200, pause=0.02))
    appended = [
        message["content"]
        for message in comm_messages(out)
        if isinstance(message.get("content"), dict) and message["content"].get("type") == "append"
    ]
    assert len(appended) >= 4
    points = sum(s["n"] for message in appended for s in message["series"] if s["key"] == "loss")
    assert points == 200


def test_the_card_is_a_widget_first_and_a_picture_in_the_end(live: Kernel) -> None:
    out = live.run("%%track ends" + TRAIN.format(n=10, pause=0.01))
    assert WIDGET in out.first[0]
    (data,) = out.displays
    assert WIDGET not in data
    assert data["image/png"]
    head = data[VIEW]["head"]
    assert (head["state"], head["name"], head["experiment"]) == ("FINISHED", "ends", "Default")
    assert head["step"] == 9
    assert {series["key"] for series in data[VIEW]["curves"]["series"]} == {"loss", "acc"}


def test_a_store_that_does_not_answer_in_the_end_leaves_a_picture_too(live: Kernel) -> None:
    out = live.run(
        "%%track silent\nnbtrack.log_metric('loss', 0.5)\n"
        "nbtrack.active_run().fetch = lambda: 1 / 0"
    )
    (data,) = (each for each in out.displays if WIDGET in each or VIEW in each)
    assert WIDGET not in data
    assert data[VIEW]["head"]["state"] == "FINISHED"
    assert {series["key"] for series in data[VIEW]["curves"]["series"]} == {"loss"}


def test_without_a_browser_one_output_is_left(static: Kernel) -> None:
    out = static.run("%%track quietly" + TRAIN.format(n=10, pause=0.01))
    assert out.first == [{"text/plain": "quietly, running"}]
    (data,) = out.displays
    assert set(data) == {"text/plain", "image/png", VIEW}
    assert not any(message["msg_type"] == "comm_open" for message in out.messages)


def test_a_with_block_has_the_same_card(static: Kernel) -> None:
    out = static.run("with nbtrack.start_run(run_name='plain'):\n    nbtrack.log_metric('a', 1)")
    (card,) = out.cards
    assert (card["kind"], card["head"]["name"], card["head"]["state"]) == (
        "card",
        "plain",
        "FINISHED",
    )


def test_a_training_that_is_logged_by_itself_has_the_same_card(static: Kernel) -> None:
    out = static.run(
        "from nbtrack.autologging.switches import INTEGRATIONS, Integration, _Switch, _switches\n"
        "from nbtrack.autologging.training import training\n"
        "INTEGRATIONS['toy'], _switches['toy'] = Integration({}, 'toy', '1'), _Switch()\n"
        "nbtrack.autolog()\n"
        "with training('toy') as session:\n"
        "    session.log_metrics({'loss': 1})\n"
        "nbtrack.autolog(disable=True)"
    )
    (card,) = out.cards
    assert card["head"]["state"] == "FINISHED"
    assert "loss" in str(card)


def test_a_failed_run_says_what_and_where(static: Kernel) -> None:
    out = static.run("%%track fails\nx = 1\nraise ValueError('bad\\nshape')")
    assert out.cards[0]["head"]["state"] == "FAILED"
    assert out.cards[0]["head"]["error"] == "ValueError: bad shape (line 3)"
    out = static.run("with nbtrack.start_run():\n    1 / 0")
    assert out.cards[0]["head"]["error"] == "ZeroDivisionError: division by zero (line 2)"


def test_the_last_and_the_best_run_are_ghosts(static: Kernel) -> None:
    for value in (0.1, 0.5):
        static.run(f"%%track -e ghosts\nlr = {value}\nnbtrack.log_metric('loss', {value})")
    out = static.run("%%track -e ghosts\nlr = 0.3\nnbtrack.log_metric('loss', 0.3)")
    (card,) = out.cards
    assert [run["role"] for run in card["runs"]] == ["live", "last", "best"]
    since = {item["label"]: item["text"] for item in card["since"]}
    assert since["lr"] == "0.5 → 0.3"
    assert since["loss"] == "0.3 (40 % better)"
    assert since["code"] == "2 lines changed"


def test_ghosts_of_metrics_that_the_run_lacks_are_left_out(static: Kernel) -> None:
    static.run("%%track -e others\nnbtrack.log_metrics({'a': 1, 'b': 2})")
    out = static.run("%%track -e others\nnbtrack.log_metric('b', 3)")
    assert {series["key"] for series in out.cards[0]["curves"]["series"]} == {"b"}


def test_only_the_outermost_run_of_a_cell_has_a_card(static: Kernel) -> None:
    out = static.run(
        "with nbtrack.start_run(run_name='outer'):\n"
        "    with nbtrack.start_run(run_name='inner', nested=True): pass"
    )
    assert [card["head"]["name"] for card in out.cards] == ["outer"]
    static.run("outer = nbtrack.start_run()")
    out = static.run("with nbtrack.start_run(run_name='own', nested=True): pass")
    assert [card["head"]["name"] for card in out.cards] == ["own"]
    static.run("nbtrack.end_run()")


def test_a_run_that_another_cell_ends_keeps_its_card_where_it_started(static: Kernel) -> None:
    out = static.run("run = nbtrack.start_run(run_name='apart')")
    assert out.cards == []
    static.run("nbtrack.log_metric('a', 1)")
    static.run("nbtrack.end_run()")
    assert out.cards[0]["head"]["state"] == "FINISHED"


def test_a_loop_over_runs_does_not_fill_the_notebook(static: Kernel) -> None:
    out = static.run("for i in range(10):\n    with nbtrack.start_run(): pass")
    assert len(out.cards) == 8
    assert "nbtrack.runs()" in out.displays[-1]["text/plain"]


def test_quiet_runs_show_nothing(static: Kernel) -> None:
    assert static.run("%%track --quiet\nx = 1").displays == []
    static.run("import os; os.environ['NBTRACK_DISPLAY'] = 'off'")
    assert static.run("%%track\nx = 1").displays == []
    static.run("del os.environ['NBTRACK_DISPLAY']")


def test_the_cards_threads_end_with_the_run(static: Kernel) -> None:
    static.run("%%track\nx = 1")
    names = static.value("[t.name for t in __import__('threading').enumerate()]")
    assert not {"nbtrack-card", "nbtrack-baselines"} & set(names)
