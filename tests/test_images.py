"""Images: what counts as one, and where a series of them lies."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nbtrack.errors import InvalidParameterError, NbtrackWarning
from nbtrack.store.artifacts.folder import ArtifactFolder
from nbtrack.tracking.images import Image, log_image, to_pixels


class Target:
    def __init__(self, folder: Path) -> None:
        self.artifacts = ArtifactFolder(str(folder))
        self.set: dict[str, str] = {}

    def set_tag(self, key: str, value: Any) -> None:
        assert key not in self.set
        self.set[key] = value

    def tags(self) -> dict[str, str]:
        return self.set


def opened(target: Target, path: str) -> PIL.Image.Image:
    return PIL.Image.open(io.BytesIO(target.artifacts.read_bytes(path)))


GREY = np.array([[0, 127], [200, 255]], np.uint8)


@pytest.mark.parametrize("name", ["a.png", "deep/b.jpg", "c.webp"])
def test_a_picture_is_stored_in_the_format_of_its_name(name: str, tmp_path: Path) -> None:
    target = Target(tmp_path)
    log_image(target, np.full((4, 6, 4), 0.5), name)
    assert opened(target, name).size == (6, 4)
    assert target.set == {}


def test_a_name_without_a_format_is_refused(tmp_path: Path) -> None:
    for name in ("picture", "picture.txt"):
        with pytest.raises(InvalidParameterError, match=r"\.png"):
            log_image(Target(tmp_path), GREY, name)


def test_a_series_has_a_picture_and_a_thumbnail_for_each_step(tmp_path: Path) -> None:
    target = Target(tmp_path)
    for step in (0, 5):
        log_image(target, np.zeros((300, 600, 3)), key="val/first", step=step, timestamp=17)
    full, small = (entry.path for entry in list(target.artifacts.walk())[:2])
    prefix = r"images/val~first\+step\+0\+timestamp\+17\+[0-9a-f-]{36}"
    small, full = sorted((full, small), key=len, reverse=True)
    assert re.fullmatch(prefix + r"\.png", full)
    assert re.fullmatch(prefix + r"\+compressed\.webp", small)
    assert small.startswith(full.removesuffix(".png"))
    assert opened(target, full).size == (600, 300)
    assert opened(target, small).size == (256, 128)
    assert target.set == {"mlflow.loggedImages": "True"}


def test_step_and_time_have_defaults(tmp_path: Path) -> None:
    target = Target(tmp_path)
    log_image(target, GREY, key="k")
    assert re.match(
        r"images/k\+step\+0\+timestamp\+\d{13}\+", target.artifacts.list("images")[0].path
    )


BOTH_OR_NONE = [{}, {"artifact_file": "a.png", "key": "k"}, {"artifact_file": "a.png", "step": 1}]
BAD_SERIES = [{"step": 1}, {"key": "a+b"}, {"key": ""}, {"key": "k", "step": 0.5}]


@pytest.mark.parametrize("wrong", BOTH_OR_NONE + BAD_SERIES)
def test_unclear_places_are_refused(wrong: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InvalidParameterError):
        log_image(Target(tmp_path), GREY, **wrong)
    assert list(tmp_path.iterdir()) == []


def test_values_become_pixels() -> None:
    assert to_pixels(np.array([[True, False]])).tolist() == [[255, 0]]
    assert to_pixels([[0, 255]]).tolist() == [[0, 255]]
    assert to_pixels(np.array([[0.0, 0.5, 1.0]], np.float16)).tolist() == [[0, 128, 255]]
    assert to_pixels(np.zeros((2, 2, 1))).shape == (2, 2)


def test_floats_out_of_range_are_rescaled_with_a_warning() -> None:
    with pytest.warns(NbtrackWarning, match="-1 to 3"):
        assert to_pixels(np.array([[-1.0, 1.0, 3.0]])).tolist() == [[0, 128, 255]]
    with pytest.warns(NbtrackWarning, match="rescaled"):
        assert to_pixels(np.full((1, 2), 7.0)).tolist() == [[7, 7]]
    assert to_pixels(np.array([[np.nan, 1.0]])).tolist() == [[0, 255]]


@pytest.mark.parametrize(
    "wrong",
    [[[256]], [[-1]], [1, 2], np.zeros((2, 2, 2)), np.zeros((1, 2, 2, 3)), np.zeros((0, 2))],
)
def test_what_is_no_picture_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidParameterError):
        Image(wrong)
    with pytest.raises(InvalidParameterError, match="type"):
        Image(np.array([["a"]]))


def test_tensors_may_have_their_channels_first() -> None:
    torch = pytest.importorskip("torch")
    assert Image(torch.zeros(3, 4, 5, requires_grad=True)).size == (5, 4)
    assert Image(torch.zeros(4, 5, 3)).size == (5, 4)
    assert Image(torch.zeros(1, 4, 5, dtype=torch.bfloat16)).to_array().shape == (4, 5)


def test_an_image_changes_form(tmp_path: Path) -> None:
    image = Image(GREY)
    image.save(tmp_path / "a.png")
    assert Image(tmp_path / "a.png").to_list() == Image(image).to_list() == GREY.tolist()
    assert Image(PIL.Image.fromarray(GREY)).to_array().tolist() == GREY.tolist()
    assert image.resize((8, 4)).to_pil().size == (8, 4)


@given(
    arrays.arrays(
        st.sampled_from([np.bool_, np.uint8, np.float32]),
        st.tuples(st.integers(1, 8), st.integers(1, 8), st.sampled_from([1, 3, 4])),
        elements={"min_value": 0, "max_value": 1},
    )
)
def test_every_array_of_the_right_shape_survives_as_png(pixels: np.ndarray[Any, Any]) -> None:
    image = Image(pixels)
    again = np.asarray(PIL.Image.open(io.BytesIO(image.encode(".png"))))
    assert np.array_equal(again, to_pixels(pixels))
