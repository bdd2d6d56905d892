"""What code that was written for MLflow meets: artifacts, experiments, keys, values, pictures."""

from __future__ import annotations

import asyncio
import json
import time
import warnings
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import PIL.Image
import pytest

import nbtrack
from nbtrack.errors import NbtrackWarning
from nbtrack.tracking.environment_record import ENVIRONMENT_FILE


@pytest.fixture(autouse=True)
def _store(workdir: Path) -> None:
    nbtrack.set_tracking_uri(workdir / "runs.duckdb")


# -- what nbtrack keeps for itself --------------------------------------------------------


def test_the_artifacts_of_a_run_are_those_that_were_logged(tmp_path: Path) -> None:
    with nbtrack.start_run() as run:
        nbtrack.log_text("a", "a.txt")
    run_id = run.info.run_id
    client = nbtrack.Client()
    assert [each.path for each in client.list_artifacts(run_id)] == ["a.txt"]
    assert [each.path for each in nbtrack.artifacts.list_artifacts(run_id=run_id)] == ["a.txt"]
    place = client.download_artifacts(run_id, "", str(tmp_path / "out"))
    assert [each.name for each in Path(place).iterdir()] == ["a.txt"]
    # it is there for who asks for it
    assert "python" in json.loads(nbtrack.artifacts.load_text(f"runs:/{run_id}/{ENVIRONMENT_FILE}"))
    kept = nbtrack.sql("SELECT path FROM artifacts ORDER BY path").path.tolist()
    assert kept == [ENVIRONMENT_FILE, ".nbtrack/requirements.txt", "a.txt"]


def test_a_copy_of_a_store_has_what_nbtrack_keeps(tmp_path: Path) -> None:
    with nbtrack.start_run() as run:
        nbtrack.log_text("a", "a.txt")
    assert len(nbtrack.search_runs()) == 1
    nbtrack.set_tracking_uri(tmp_path / "other.duckdb")
    assert nbtrack.interop.import_from(tmp_path / "runs.duckdb").ok
    text = nbtrack.artifacts.load_text(f"runs:/{run.info.run_id}/{ENVIRONMENT_FILE}")
    assert "python" in json.loads(text)


# -- experiments --------------------------------------------------------------------------


def test_the_active_experiment_goes_along_to_another_store(tmp_path: Path) -> None:
    nbtrack.set_experiment("x")
    nbtrack.set_tracking_uri(tmp_path / "other.duckdb")
    with nbtrack.start_run() as run:
        pass
    found = nbtrack.get_experiment_by_name("x")
    assert found is not None
    assert run.info.experiment_id == found.experiment_id
    nbtrack.set_tracking_uri(tmp_path / "third.duckdb")
    assert nbtrack.get_experiment_by_name("x") is not None
    nbtrack.set_experiment("y")
    with nbtrack.start_run() as run:
        pass
    found = nbtrack.get_experiment(run.info.experiment_id)
    assert found.name == "y"


def test_a_deleted_default_experiment_leaves_a_way_out() -> None:
    nbtrack.delete_experiment("0")
    with pytest.warns(NbtrackWarning, match="restore_experiment"), nbtrack.start_run() as run:
        pass
    assert run.info.experiment_id != "0"
    assert len(nbtrack.search_runs()) == 1
    with nbtrack.start_run() as again:
        pass
    assert again.info.experiment_id == run.info.experiment_id


# -- runs ---------------------------------------------------------------------------------


def test_a_task_that_logs_after_its_run_makes_no_other() -> None:
    async def main() -> str:
        async def late() -> None:
            nbtrack.log_metric("early", 1)
            await ended.wait()
            nbtrack.log_metric("late", 2)

        ended = asyncio.Event()
        with nbtrack.start_run() as run:
            task = asyncio.create_task(late())
            await asyncio.sleep(0)
        ended.set()
        await task
        return run.info.run_id

    with pytest.warns(NbtrackWarning, match="after its end"):
        run_id = asyncio.run(main())
    found = nbtrack.search_runs(output_format="list", search_all_experiments=True)
    assert [run.info.run_id for run in found] == [run_id]
    assert found[0].data.metrics == {"early": 1, "late": 2}
    assert found[0].info.status == "FINISHED"


# -- keys and values ----------------------------------------------------------------------


def test_keys_that_mlflow_refuses_are_found_and_shown() -> None:
    keys = [
        "precision@5",
        "acc (top 5)",
        "f1, macro",
        "p=1",
        "50%",
        "x[0]",
        "a+b",
        "<b>x</b>",
        "é😀",
    ]
    with nbtrack.start_run() as run:
        nbtrack.log_metrics(dict.fromkeys(keys, 0.5))
        nbtrack.log_params(dict.fromkeys(keys, 1))
    for key in keys:
        for kind in ("metrics", "params"):
            found = nbtrack.search_runs(
                filter_string=f"{kind}.`{key}` = {'0.5' if kind == 'metrics' else repr('1')}"
            )
            assert found.run_id.tolist() == [run.info.run_id], key
            assert f"{kind}.{key}" in found.columns
    shown = nbtrack.chart(run.info.run_id)._repr_mimebundle_()
    found = shown[0] if isinstance(shown, tuple) else shown
    assert "<b>x</b>" not in found.get("text/html", "")


def test_seconds_where_milliseconds_are_meant_are_said() -> None:
    with nbtrack.start_run():
        with pytest.warns(NbtrackWarning, match="looks like seconds"):
            nbtrack.log_metric("loss", 1, timestamp=time.time())  # type: ignore[arg-type]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            nbtrack.log_metric("loss", 1, timestamp=int(time.time() * 1000))
            nbtrack.log_metric("loss", 1, timestamp=5)


@pytest.mark.parametrize(
    "value", [np.ma.masked, np.ma.array(5.0, mask=True), np.ma.array([5.0], mask=[True])]
)
def test_a_masked_value_is_no_number(value: Any) -> None:
    with nbtrack.start_run() as run:
        nbtrack.log_metric("loss", value)
        nbtrack.log_metric("other", np.ma.array(5.0, mask=False))
    found = nbtrack.get_run(run.info.run_id).data.metrics
    assert np.isnan(found["loss"])
    assert found["other"] == 5


@pytest.mark.parametrize("value", [pd.Timestamp(0), np.datetime64(0, "s"), np.timedelta64(1, "s")])
def test_times_are_no_metrics(value: Any) -> None:
    with nbtrack.start_run(), pytest.raises(nbtrack.NbtrackError, match="needs a single number"):
        nbtrack.log_metric("when", value)


def test_frames_columns_and_queues_are_logged_as_rows_and_lists() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    rows = [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
    with nbtrack.start_run() as run:
        given = {"frame": frame, "column": frame.a, "index": frame.columns, "queue": deque([1, 2])}
        nbtrack.log_dict(given, "all.json")
        nbtrack.log_dict(given, "all.yaml")
        nbtrack.log_dict(frame, "rows.json")  # type: ignore[arg-type]
    uri = f"runs:/{run.info.run_id}"
    expected = {"frame": rows, "column": [1, 2], "index": ["a", "b"], "queue": [1, 2]}
    assert nbtrack.artifacts.load_dict(f"{uri}/all.json") == expected
    assert nbtrack.artifacts.load_dict(f"{uri}/all.yaml") == expected
    assert nbtrack.artifacts.load_dict(f"{uri}/rows.json") == rows


# -- pictures -----------------------------------------------------------------------------

GRAY = np.arange(0, 240, 15, dtype=np.uint8).reshape(4, 4)
COLORS = PIL.Image.fromarray(np.stack([GRAY, GRAY[::-1], GRAY.T], axis=2))


def logged(image: Any, name: str = "i.png") -> PIL.Image.Image:
    with nbtrack.start_run() as run:
        nbtrack.log_image(image, artifact_file=name)
    return nbtrack.artifacts.load_image(f"runs:/{run.info.run_id}/{name}")


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "bmp", "gif"])
@pytest.mark.parametrize(
    "mode",
    ["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "LA", "PA", "RGBX"],
)
def test_pictures_of_every_mode_are_logged(mode: str, suffix: str) -> None:
    image = PIL.Image.new("LAB", (4, 4), (128, 0, 0)) if mode == "LAB" else COLORS.convert(mode)
    assert logged(image, f"i.{suffix}").size == (4, 4)


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "HSV", "RGBX"])
def test_colors_stay(mode: str) -> None:
    found = np.asarray(logged(COLORS.convert(mode)), dtype=float)
    assert np.abs(found - np.asarray(COLORS, dtype=float)).max() <= 6


@pytest.mark.parametrize("mode", ["I", "F"])
def test_gray_stays(mode: str) -> None:
    assert np.array_equal(np.asarray(logged(PIL.Image.fromarray(GRAY).convert(mode))), GRAY)


def test_sixteen_bits_stay_and_their_preview_is_not_white() -> None:
    deep = GRAY.astype(np.uint16) * 256
    assert np.array_equal(np.asarray(logged(deep)), deep)
    preview = np.asarray(logged(deep, "i.webp").convert("L"), dtype=float)
    assert np.abs(preview - GRAY).max() <= 8
    with nbtrack.start_run():
        nbtrack.log_table({"image": [nbtrack.Image(deep), COLORS.convert("F")]}, "t.json")


def test_a_constant_picture_keeps_its_color() -> None:
    with pytest.warns(NbtrackWarning, match="rescaled"):
        assert np.asarray(logged(np.full((4, 4, 3), 255.0))).min() == 255
    assert np.asarray(logged(np.full((4, 4), 1.0))).min() == 255


def test_a_tensor_has_its_channels_first() -> None:
    torch = pytest.importorskip("torch")
    assert logged(torch.rand(3, 8, 4)).size == (4, 8)
    assert logged(torch.rand(8, 4, 3)).size == (4, 8)
    assert logged(np.random.default_rng(0).random((8, 4, 3))).size == (4, 8)


# -- models where MLflow 2 had them ---------------------------------------------------------


def test_a_logged_model_is_found_below_the_artifacts_of_its_run() -> None:
    class Double(nbtrack.pyfunc.PythonModel):
        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            return model_input * 2

    with nbtrack.start_run():
        nbtrack.pyfunc.log_model(name="model", python_model=Double())
        uri = nbtrack.get_artifact_uri("model")
    assert nbtrack.pyfunc.load_model(uri).predict(np.array([2]))[0] == 4
    with pytest.raises(nbtrack.exceptions.MlflowException, match="There is no model at"):
        nbtrack.pyfunc.load_model(f"{uri}l")
