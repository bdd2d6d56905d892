"""What the store gives back is short as text, and a small table in a notebook."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nbtrack
from nbtrack import entities
from nbtrack.entities import Entity, Experiment, PagedList, shown


def entity_classes() -> list[type[Entity]]:
    found = {name: getattr(entities, name) for name in entities.__all__}
    classes = [each for each in found.values() if inspect.isclass(each)]
    return [each for each in classes if issubclass(each, Entity) and each is not Entity]


def filled(cls: type[Any]) -> Any:
    """Return an entity whose fields hold too much, and markup."""
    text = "<script>" + "x" * 500
    values: dict[str, Any] = {}
    for name, parameter in inspect.signature(cls).parameters.items():
        kind = str(parameter.annotation)
        if kind in ("Dataset", "RunInfo"):
            values[name] = filled(getattr(entities, kind))
        elif kind.startswith("dict"):
            values[name] = {f"{text}{i}": text for i in range(300)}
        elif kind.startswith("list"):
            values[name] = [text] * 300
        else:
            values[name] = 1 if kind.startswith(("int", "float")) else text
    return cls(**values)


@pytest.mark.parametrize("cls", entity_classes(), ids=lambda cls: cls.__name__)
def test_entities_are_short_and_escaped(cls: type[Entity]) -> None:
    if cls is entities.Run:
        info = filled(entities.RunInfo)
        data = entities.RunData(params=[entities.Param("<script>", "x" * 500)] * 300)
        made: Any = entities.Run(info, data)
    else:
        made = filled(cls)
    assert len(repr(made)) < 500
    assert repr(made).startswith(f"{cls.__name__}(")
    html = made._repr_html_()
    assert len(html) < 20_000
    assert "<script>" not in html
    assert "color" not in html


def test_a_run_says_what_was_logged(workdir: Path) -> None:
    with nbtrack.start_run(run_name="baseline") as active:
        nbtrack.log_metric("loss", 1 / 3)
        nbtrack.set_tag("team", "vision")
        nbtrack.log_input(nbtrack.data.from_numpy(np.zeros(3), name="numbers"))
    run = nbtrack.get_run(active.info.run_id)
    assert repr(run).startswith("Run(run_name='baseline', status='FINISHED', run_id=")
    html = run._repr_html_()
    for part in ("loss: 0.333333", "team: vision", "numbers"):
        assert part in html
    assert "mlflow.user" not in html
    assert "numbers" in nbtrack.data.from_numpy(np.zeros(3), name="numbers")._repr_html_()


def test_what_there_is_none_of_is_left_out(workdir: Path) -> None:
    experiment = nbtrack.set_experiment("digits")
    assert repr(experiment).startswith("Experiment(name='digits', experiment_id='1', creation")
    assert "tags" not in repr(experiment)
    assert "None" not in repr(experiment)
    assert repr(entities.FileInfo("a.txt", False, 3)) == (
        "FileInfo(path='a.txt', is_dir=False, file_size=3)"
    )


def test_long_lists_show_their_first_items() -> None:
    found = PagedList([Experiment(str(i), f"e{i}") for i in range(100)], token="more")
    assert repr(found).endswith("... 97 more]")
    html = found._repr_html_()
    assert html.count("<tr>") == 21
    assert "the first 20 of 100 and another page" in html
    assert repr(PagedList([])) == "[]"


def test_no_password_of_an_address_is_shown() -> None:
    made = Experiment("1", "a", "https://me:secret@host/x")
    assert "secret" not in repr(made) + made._repr_html_()
    assert shown.fields_of(made)["artifact_location"] == "https://me:secret@host/x"


def test_markdown_is_shown_without_its_marks() -> None:
    text = "# Notes\n\nA **bold `word`** and a [link](http://x.y).\n\n- one\n> two\n---\n"
    assert shown.plain_line(text) == "Notes A bold word and a link. one two"
    assert shown.plain_line("| a | b |\n|---|---|\n| 1 | 2 |") == "a | b 1 | 2"
    assert (
        "<td style='text-align:left'>Notes of it</td>"
        in entities.RegisteredModel("m", description="# Notes\nof *it*")._repr_html_()
    )


def test_of_what_a_model_holds_no_word_is_cut() -> None:
    version = entities.ModelVersion("a-model-with-a-long-name", 12, 1, current_stage="Production")
    html = entities.RegisteredModel("m", latest_versions=[version])._repr_html_()
    assert "12 (Production)" in html
    assert "…" not in html
