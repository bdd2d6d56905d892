"""What flavors have in common whose models are files in a library's own format."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from nbtrack.models.loading import OpenedModel, UnreadableModelError
from nbtrack.models.model import Model
from nbtrack.models.user_files import use_code

REFUSED = 3
_SECONDS = 120
_START = "import json, sys\nsys.path[:], *given = json.loads(sys.argv[1])\n"


def describe(
    model: Model, flavor: str, *, loader: str | None, pyfunc: dict[str, Any], **known: Any
) -> None:
    """Write down in the MLmodel file what a flavor says about its files.

    Parameters
    ----------
    model : Model
        The model that is saved.
    flavor : str
        Its flavor.
    loader : str or None
        The module that ``pyfunc`` loads it with; None for a model that cannot predict.
    pyfunc : dict
        What the loader is told.
    **known
        What the flavor says.
    """
    if loader is not None:
        model.add_pyfunc(loader, **pyfunc)
    more = {"extra_files": model.extra_files} if model.extra_files else {}
    model.add_flavor(flavor, **known, code=model.code_folder, **more)


def described(opened: OpenedModel, flavor: str, trust: bool | None) -> dict[str, Any]:
    """Return what a flavor says about its files; code that came with them can be imported then.

    Raises
    ------
    UntrustedError
        If there is such code, and no consent.
    InvalidParameterError
        If the model does not have this flavor.
    """
    known = opened.flavor(flavor)
    if known.get("code"):
        opened.ask("the code that came with it", trust)
        use_code(opened.file(known["code"]))
    return known


class Predictor:
    """A model that predicts by its own method ``predict``.

    Parameters
    ----------
    model : object
        The model.
    """

    def __init__(self, model: Any) -> None:
        self.model = model

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """Return the predictions; ``params`` are those of the model's own ``predict``."""
        return self.model.predict(data, **(params or {}))

    def get_raw_model(self) -> Any:
        """Return the model itself."""
        return self.model


def read_elsewhere(program: str, *given: Any, file: Path, library: str) -> None:
    """Raise where a library would crash on a file that was made for that.

    A process of its own reads the file first. Errors that it raises are left to this process,
    which raises them again. Models that are known to be as they were saved do not need it.

    Parameters
    ----------
    program : str
        Python that reads the file; the arguments are in its list ``given``.
    *given
        What JSON can hold.
    file : Path
        The file, for the message.
    library : str
        The library's name, for the message.

    Raises
    ------
    UnreadableModelError
        If the process crashes, ends with status 3, or takes longer than two minutes.
    """
    paths = [str(Path(path).absolute()) for path in sys.path if path]
    command = [sys.executable, "-I", "-S", "-c", _START + program, json.dumps([paths, *given])]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        raise UnreadableModelError(
            f"{library} does not come to an end with the file {str(file)!r}, so it is not loaded. "
            "It is damaged, or was made for that: get the model anew."
        ) from None
    if done.returncode == REFUSED:
        raise UnreadableModelError(
            f"{library} cannot predict with the file {str(file)!r}, so it is not loaded. It is "
            "damaged, or was made for that: get the model anew."
        )
    if done.returncode < 0:
        raise UnreadableModelError(
            f"The file {str(file)!r} makes {library} crash (signal {-done.returncode}), so it is "
            "not loaded. It is damaged, or was made for that: get the model anew."
        )
