"""What newer versions of Python compile and evaluate in another way makes no difference."""

from __future__ import annotations

import linecache
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import nbtrack
from nbtrack.autologging.loops import frames
from nbtrack.callables import annotations_of, parameters_of, signature_of
from nbtrack.models.objects.code_objects import attributes_used

late = pytest.mark.skipif(
    sys.version_info < (3, 14), reason="annotations are evaluated with the definition"
)

UNKNOWN = """
from typing import TYPE_CHECKING

import nbtrack

if TYPE_CHECKING:
    from nowhere import Frame

def double(model_input: Frame, params: Frame | None = None) -> Frame:
    return model_input * (params or {}).get("factor", 2)

class Model(nbtrack.pyfunc.PythonModel):
    kept: Frame

    def predict(self, context: Frame, model_input: Frame, params: Frame | None = None) -> Frame:
        return model_input * (params or {}).get("factor", 2)
"""


def defined() -> dict[str, Any]:
    linecache.cache["<cell>"] = (len(UNKNOWN), None, UNKNOWN.splitlines(keepends=True), "<cell>")
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(UNKNOWN, "<cell>", "exec", dont_inherit=True), space)
    return space


def test_a_result_has_the_name_of_its_variable_whatever_else_stands_on_the_line() -> None:
    names = []

    def call() -> int:
        names.append(frames.assigned_name(sys._getframe(1)))
        return 1

    def loop() -> None:
        # since Python 3.13 one instruction stores, and loads or stores what is next on the line
        loss = call(); loss.real  # noqa: B018, E702  # fmt: skip
        first, second = 1, call()
        third = call()
        call()
        assert loss + first + second + third == 4

    loop()
    assert names == ["loss", "second", "third", None]


def test_attributes_of_a_base_class_are_seen() -> None:
    class Base:
        def forward(self) -> Any:
            return None

        def step(self) -> Any:
            return self.scale

        scale = 1

    class Net(Base):
        def forward(self) -> Any:
            return super().forward(), super().step()

    assert {"forward", "step", "scale"} <= attributes_used(Net, "forward")


@late
def test_a_model_may_be_annotated_with_what_only_type_checkers_import(workdir: Path) -> None:
    table = pd.DataFrame({"x": [1.0, 2.0]})
    for name, given in (("function", defined()["double"]), ("object", defined()["Model"]())):
        nbtrack.pyfunc.save_model(name, python_model=given, input_example=table)
        found = nbtrack.pyfunc.load_model(name).predict(table)
        assert list(found["x"]) == [2.0, 4.0]


@late
def test_annotations_that_name_nothing_hide_nothing_else() -> None:
    space = defined()
    assert list(parameters_of(space["double"])) == ["model_input", "params"]
    assert signature_of(space["double"]).parameters["params"].default is None
    assert set(annotations_of(space["double"])) == {"model_input", "params", "return"}
    assert set(annotations_of(space["Model"])) >= {"kept"}
    assert annotations_of(3) == {}
