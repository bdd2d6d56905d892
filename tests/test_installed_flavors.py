"""Flavors that other packages bring along, by an entry point in the group ``nbtrack.flavors``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import nbtrack
from nbtrack.errors import InvalidParameterError, UntrustedError
from programs import SRC, run

PAGE = Path(__file__).parents[1] / "docs" / "models.md"
MODULE = """
from pathlib import Path


class Doubled:
    def predict(self, data):
        return data * 2


def save_model(model, path, **options):
    return "saved"


def load_model(model_uri, **options):
    return "loaded"


log_model = save_model


def _load_pyfunc(path):
    assert Path(path).name == "numbers.txt"
    return Doubled()
"""


def install(folder: Path, name: str, flavor: str, code: str) -> None:
    """Put a package into a folder as pip does."""
    (folder / f"{name}.py").write_text(code)
    facts = folder / f"{name}-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (facts / "RECORD").write_text(f"{name}.py,,\n")
    (facts / "entry_points.txt").write_text(f"[nbtrack.flavors]\n{flavor}\n")


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What a program prints where two flavors are installed, the first that of the manual."""
    place, folder = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("work")
    section = PAGE.read_text("utf-8").partition("## A flavor of your own")[2]
    (code,) = re.findall(r"```python\n(import json.*?)```", section, re.DOTALL)
    (flavor,) = re.findall(r"^(wordcount = .*)$", section, re.MULTILINE)
    install(place, "wordcount_flavor", flavor.replace('"', ""), code.partition("\n\nmodel = ")[0])
    install(place, "doubling", "h2o = doubling", MODULE)
    program = """
import sys, nbtrack, pandas
from collections import Counter
import nbtrack.wordcount
from nbtrack import wordcount
print(wordcount is nbtrack.wordcount is sys.modules["nbtrack.wordcount"], wordcount)
words, example = Counter("a b a".split()), pandas.DataFrame({"word": ["b", "a"]})
with nbtrack.start_run():
    info = nbtrack.wordcount.log_model(words, name="m", input_example=example)
print(info.verified, info.flavors["python_function"]["loader_module"])
print(nbtrack.wordcount.load_model(info.model_uri) == words)
print(list(nbtrack.pyfunc.load_model(info.model_uri).predict(example)))
print(open(nbtrack.pyfunc.get_model_dependencies(info.model_uri)).read().split())
nbtrack.pyfunc.save_model("d", loader_module="nbtrack.h2o", data_path="numbers.txt")
print(nbtrack.pyfunc.load_model("d").predict(4), nbtrack.h2o.load_model("x"))
print(hasattr(nbtrack, "catboost_of_others"), "wordcount" in dir(nbtrack))
"""
    (folder / "numbers.txt").write_text("1")
    return run(program, cwd=folder, PYTHONPATH=f"{SRC}:{place}").split("\n")


def test_an_installed_flavor_is_a_module_of_nbtrack(said: list[str]) -> None:
    assert said[0] == "True <Flavor wordcount>"


def test_models_of_an_installed_flavor_are_logged_loaded_and_predict(said: list[str]) -> None:
    assert said[1:4] == ["outputs nbtrack.wordcount", "True", "[1, 2]"]
    assert said[4] == f"['nbtrack=={nbtrack.__version__}', 'wordcount_flavor==1.0']"


def test_an_installed_flavor_may_be_a_module_with_the_verbs_of_a_flavor(said: list[str]) -> None:
    assert said[5:7] == ["8 loaded", "False False"]


@pytest.mark.usefixtures("workdir")
@pytest.mark.parametrize("module", ["os", "nbtrack.os", "nbtrack.cli.sql", "doubling"])
def test_a_model_chooses_no_module_that_is_no_flavor(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("numbers.txt").write_text("1")
    nbtrack.pyfunc.save_model("m", loader_module=module, data_path="numbers.txt")
    monkeypatch.setenv("XDG_STATE_HOME", "another user")
    with pytest.raises(UntrustedError, match=f"the module {module}"):
        nbtrack.pyfunc.load_model("m")


@pytest.mark.usefixtures("workdir")
def test_a_flavor_that_runs_what_it_reads_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    flavor = nbtrack.models.Flavor(
        "code",
        write=lambda model, folder: (folder / "code.txt").write_text(model) and {"lines": 1},
        read=lambda folder, known: (folder / "code.txt").read_text() * known["lines"],
        asks="the text",
    )
    flavor.save_model("1 + 1", "m")
    assert flavor.load_model("m") == "1 + 1"
    assert "python_function" not in nbtrack.models.Model.load("m").flavors
    monkeypatch.setenv("XDG_STATE_HOME", "another user")
    with pytest.raises(UntrustedError, match="runs the text"):
        flavor.load_model("m")
    assert flavor.load_model("m", trust=True) == "1 + 1"
    with pytest.raises(InvalidParameterError, match="cannot be the name"):
        nbtrack.models.Flavor("a b", write=lambda m, f: None, read=lambda f, k: None)


def test_the_packages_are_listed_again_only_after_one_was_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """skops asks every module for hundreds of names: each took 57 ms."""
    from importlib import metadata

    asked = []
    listed = metadata.entry_points
    monkeypatch.setattr(metadata, "entry_points", lambda **k: asked.append(k) or listed(**k))
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("brought", "other", "third"):
        assert not hasattr(nbtrack, name)
    assert len(asked) == 1
    folder = tmp_path / "brought-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Name: brought\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[nbtrack.flavors]\nbrought = json\n")
    assert nbtrack.brought.loads("1") == 1
