"""Which packages a model needs: found in it, given, or changed later."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import nbtrack
from nbtrack.errors import InvalidParameterError, InvalidStateError, NotFoundError
from nbtrack.models import update_model_requirements
from nbtrack.models.folder import check_files
from nbtrack.models.loading import open_model
from nbtrack.models.logging import log, save
from nbtrack.models.model import Model
from nbtrack.models.requirements import Requirements

pytestmark = pytest.mark.usefixtures("workdir")
NUMPY = f"numpy=={np.__version__}"


def write_weights(folder: Path, model: Model) -> None:
    np.save(folder / "weights.npy", np.arange(3.0))
    model.add_pyfunc("own", data="weights.npy")
    model.requirements.add_module("numpy")


def lines(folder: str | Path = "m") -> list[str]:
    return (Path(folder) / "requirements.txt").read_text().splitlines()


def pip_of(folder: str | Path = "m") -> list[str]:
    conda = yaml.safe_load((Path(folder) / "conda.yaml").read_text())
    (found,) = (part["pip"] for part in conda["dependencies"] if isinstance(part, dict))
    return list(found)


def test_the_files_agree() -> None:
    save(write_weights, "m")
    python = yaml.safe_load(Path("m", "python_env.yaml").read_text())
    conda = yaml.safe_load(Path("m", "conda.yaml").read_text())
    assert lines() == pip_of() == [NUMPY]
    assert python["python"] == platform.python_version()
    assert python["dependencies"] == ["-r requirements.txt"]
    assert conda["dependencies"][0] == f"python={platform.python_version()}"


def test_imports_name_packages_and_own_modules_apart() -> None:
    found = Requirements()
    found.add_source("import os, yaml\nfrom PIL import Image\ndef f():\n    import own_module.a\n")
    assert found.packages == {"PyYAML", "pillow"}
    assert found.own == {"own_module"}


def test_an_object_names_the_packages_of_what_it_holds() -> None:
    found = Requirements()
    found.add_object({"a": [np.ones(2)], "b": yaml.SafeLoader})
    assert found.packages == {"numpy", "PyYAML"}


def test_given_requirements_replace_and_extra_ones_win() -> None:
    save(write_weights, "m", pip_requirements=["torch==2.9", "pandas"])
    assert lines() == pip_of() == ["torch==2.9", "pandas"]
    save(write_weights, "n", extra_pip_requirements=["numpy>=1", "pandas"])
    assert lines("n") == ["numpy>=1", "pandas"]


def test_files_of_requirements_are_read_with_their_constraints() -> None:
    Path("r.txt").write_text("pandas  # frames\n-c c.txt\n\n-r more.txt\n")
    Path("more.txt").write_text("pillow>=10\n")
    Path("c.txt").write_text("numpy<3\n")
    save(write_weights, "m", pip_requirements="r.txt")
    assert lines() == ["pandas", "pillow>=10", "-c constraints.txt"]
    assert Path("m", "constraints.txt").read_text() == "numpy<3\n"


def test_a_conda_environment_gives_the_requirements() -> None:
    conda = {"name": "own", "dependencies": ["python=3.11", {"pip": ["pandas==2.2"]}]}
    save(write_weights, "m", conda_env=conda)
    assert yaml.safe_load(Path("m", "conda.yaml").read_text()) == conda
    assert lines() == ["pandas==2.2"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"pip_requirements": [], "extra_pip_requirements": []}, InvalidParameterError, "pass one"),
        ({"conda_env": {}, "pip_requirements": ["a"]}, InvalidParameterError, "pass one"),
        ({"pip_requirements": "torch"}, NotFoundError, r"pip_requirements=\['torch==2.9'\]"),
        ({"conda_env": "none.yaml"}, NotFoundError, "no conda environment 'none.yaml'"),
    ],
)
def test_requirements_that_cannot_be_used_are_told(
    options: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        save(write_weights, "m", **options)
    assert not Path("m").exists()


def test_requirements_of_a_saved_model_are_changed() -> None:
    save(write_weights, "m")
    update_model_requirements("m", "add", ["pandas>=2", "NumPy==1.26"])
    assert lines() == pip_of() == ["pandas>=2", "NumPy==1.26"]
    update_model_requirements("m", "remove", ["numpy"])
    assert lines() == pip_of() == ["pandas>=2"]
    check_files(open_model("m"))


def test_requirements_of_a_logged_model_are_changed() -> None:
    info = log(write_weights, "net")
    update_model_requirements(info.model_uri, "add", ["pandas>=2"])
    opened = open_model(info.model_uri)
    check_files(opened)
    assert lines(opened.path) == [NUMPY, "pandas>=2"]
    assert Path(nbtrack.pyfunc.get_model_dependencies(info.model_uri)).name == "requirements.txt"


def test_versions_stay_as_they_were_registered() -> None:
    log(write_weights, "net", registered_model_name="net")
    with pytest.raises(InvalidStateError, match="Change the logged model and register it again"):
        update_model_requirements("models:/net/1", "add", ["pandas"])
    with pytest.raises(InvalidParameterError, match="'add' or 'remove'"):
        update_model_requirements("models:/net/1", "drop", ["pandas"])  # type: ignore[arg-type]
