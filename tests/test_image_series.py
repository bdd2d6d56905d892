"""Images by key and step are found by the names of their files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import nbtrack
from nbtrack.interop import import_from
from nbtrack.rpc import respond
from nbtrack.tracking import context
from nbtrack.views.comparison.data import Scope
from nbtrack.views.comparison.saved import SavedLimits, SavedView, saved_comparison
from nbtrack.views.images import image_series

FEW = SavedLimits(9, 2, 900, 9, 0, facts=False, forest=False)
GREY = np.array([[0, 127], [200, 255]], np.uint8)


def test_the_image_and_its_small_one_are_one_step() -> None:
    names = [
        "val~x+step+10+timestamp+7+b-1.png",
        "val~x+step+2+timestamp+9+a-1.png",
        "val~x+step+2+timestamp+9+a-1+compressed.webp",
        "val~x+step+-3+timestamp+1+c-1.png",
    ]
    (found,) = image_series(names)
    assert (found["key"], found["steps"], found["times"]) == ("val/x", [-3, 2, 10], [1, 9, 7])
    assert found["files"] == [names[3], names[1], names[0]]
    assert found["small"] == [False, True, False]
    assert found["thumbnail"] == "+compressed.webp"


def test_the_names_of_older_versions_of_mlflow_are_read() -> None:
    name = "a#b%step%4%timestamp%5%0f-1"
    (found,) = image_series([f"{name}.png", f"{name}%compressed.webp"])
    assert (found["key"], found["small"], found["thumbnail"]) == ("a/b", [True], "%compressed.webp")


@pytest.mark.parametrize(
    "name", ["cat.png", "a+step+1.png", "a+step+x+timestamp+1+u.png", "a+step+1+timestamp+1+u.html"]
)
def test_other_files_are_no_steps(name: str) -> None:
    assert image_series([name]) == []


def test_a_very_long_series_is_thinned_and_keeps_its_ends() -> None:
    (found,) = image_series((f"k+step+{i}+timestamp+0+u.png" for i in range(1001)), most=11)
    assert (found["steps"], found["total"]) == (list(range(0, 1001, 100)), 1001)


def test_a_run_says_that_it_has_images(workdir: Path) -> None:
    with nbtrack.start_run() as run:
        nbtrack.log_image(GREY, "alone.png")
    with nbtrack.start_run() as other:
        nbtrack.log_image(GREY, key="k", step=3)
        nbtrack.log_image(GREY, key="k", step=3)
    store, ids = context.store(), [run.info.run_id, other.info.run_id]

    def ask(kind: str, **params: object) -> dict[str, object]:
        return respond(store, {"type": kind, **params}).body  # type: ignore[no-any-return]

    assert [ask("run.details", run_id=each)["has_images"] for each in ids] == [False, True]
    (series,) = ask("run.images", run_id=ids[1])["series"]  # type: ignore[misc]
    assert (series["key"], series["steps"], series["small"]) == ("k", [3, 3], [True, True])
    assert [each["run_id"] for each in ask("compare.images", run_ids=ids)["runs"]] == ids[1:]  # type: ignore[attr-defined]
    saved = saved_comparison(store, Scope(None, "", ids), SavedView(), FEW)
    assert saved["with_images"] == ids[1:]
    preview = respond(
        store,
        {"type": "run.preview", "run_id": ids[1], "path": f"images/{series['files'][0]}"},
    )
    assert preview.body["kind"] == "image"


def test_images_in_a_folder_of_mlflow_are_imported_with_their_steps(workdir: Path) -> None:
    run = workdir / "mlruns" / "1" / "f00d"
    images = run / "artifacts" / "images"
    for folder in (images, run / "tags"):
        folder.mkdir(parents=True)
    uri = run.as_uri()
    (run.parent / "meta.yaml").write_text(
        f"artifact_location: {run.parent.as_uri()}\nexperiment_id: '1'\n"
        "lifecycle_stage: active\nname: theirs\n"
    )
    (run / "meta.yaml").write_text(
        f"artifact_uri: {uri}/artifacts\nend_time: 2\nexperiment_id: '1'\nlifecycle_stage: active\n"
        "run_id: f00d\nrun_name: old\nstart_time: 1\nstatus: 3\nuser_id: me\n"
    )
    (run / "tags" / "mlflow.loggedImages").write_text("True")
    for step in (0, 2):
        name = f"val#k%step%{step}%timestamp%5%0f-{step}"
        (images / f"{name}.png").write_bytes(nbtrack.Image(GREY).encode(".png"))
        (images / f"{name}%compressed.webp").write_bytes(nbtrack.Image(GREY).encode(".webp"))
    import_from(str(workdir / "mlruns"))
    (found,) = nbtrack.search_runs(experiment_names=["theirs"], output_format="list")
    asked = {"type": "run.images", "run_id": found.info.run_id}
    (series,) = respond(context.store(), asked).body["series"]
    assert (series["key"], series["steps"], series["small"]) == ("val/k", [0, 2], [True, True])
    path = f"images/{series['files'][1]}"
    preview = respond(context.store(), {**asked, "type": "run.preview", "path": path})
    assert preview.body["kind"] == "image"
