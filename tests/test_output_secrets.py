"""No secret of a param or of an error's text stays in what a notebook keeps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from IPython.testing.globalipapp import start_ipython

import nbtrack
from nbtrack.views.chart.content import ChartContent
from nbtrack.views.chart.curves import Curve
from nbtrack.views.chart.output import chart_bundle
from nbtrack.views.display import VIEW_MIME
from nbtrack.views.widgets.run_card import RunCard

PLANTED = {
    "api_key": "plain-words-only",
    "hub": "hf_AbCdEfGhIjKlMnOpQrSt",
    "bucket": "https://me:hunter2secret@example.org/data",
    "cloud": "AKIAIOSFODNN7EXAMPLE",
}
SECRETS = ["plain-words-only", "hf_AbCdEf", "hunter2secret", "AKIAIOSFODNN", "from-environment-9"]
CELL = """
import nbtrack
nbtrack.log_params({params!r})
nbtrack.log_metric("loss", 1.0)
raise RuntimeError("login with hf_AbCdEfGhIjKlMnOpQrSt and from-environment-9 failed")
"""


@pytest.fixture(autouse=True)
def _recorded_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The record holds secrets, as one of before may."""
    monkeypatch.setenv("NBTRACK_REDACT", "false")


def leaks(outputs: object) -> list[str]:
    text = json.dumps(outputs)
    return [secret for secret in SECRETS if secret in text]


def test_a_card_keeps_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SERVICE_TOKEN", "from-environment-9")
    card = RunCard()
    card.update_head(error=f"no access with {PLANTED['hub']} from-environment-9", state="FAILED")
    changed = [[name, "before", value] for name, value in PLANTED.items()]
    items = [{"label": name, "text": f"x → {value}"} for name, value in PLANTED.items()]
    diff = "+url = 'https://me:hunter2secret@example.org/data'"
    card.set_since(items, {"params": changed, "code_diff": diff})
    assert leaks([card.get_state(["head", "since", "detail"]), card.finished_bundle()]) == []


def test_curves_are_not_taken_for_keys() -> None:
    steps = np.arange(300.0)
    curve = Curve("a", "loss", steps, steps, np.random.default_rng(0).random(300))
    bundle, _ = chart_bundle(ChartContent(curves=[curve]))
    assert "•••" not in json.dumps(bundle[VIEW_MIME], ensure_ascii=False)
    assert len(bundle[VIEW_MIME]["curves"]["data"]) > 100


def test_no_finished_view_of_runs_keeps_a_secret(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_SERVICE_TOKEN", "from-environment-9")
    for i in range(2):
        with nbtrack.start_run(run_name=f"run-{i} {PLANTED['hub']}"):
            nbtrack.log_params({name: f"{value}{i}" for name, value in PLANTED.items()})
            nbtrack.set_tag("mlflow.note.content", f"with {PLANTED['cloud']}")
            nbtrack.log_metric("loss", i, step=0)
    columns = ["run_name", "note", *(f"params.{name}" for name in PLANTED)]
    views = [nbtrack.runs(columns=columns), nbtrack.chart(), nbtrack.compare()]
    assert leaks([view.finished_bundle() for view in views]) == []


def test_a_cell_that_fails_leaves_no_secret(
    workdir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MY_SERVICE_TOKEN", "from-environment-9")
    shell = start_ipython() or __import__("IPython").get_ipython()
    shell.run_line_magic("load_ext", "nbtrack")
    shown: list[object] = []
    monkeypatch.setattr(shell.display_pub, "publish", lambda *a, **k: shown.append([a, k]))
    shell.run_cell("%%track planted\n" + CELL.format(params=PLANTED))
    assert nbtrack.search_runs(search_all_experiments=True)["status"].tolist() == ["FAILED"]
    assert leaks([repr(each) for each in shown]) == []
