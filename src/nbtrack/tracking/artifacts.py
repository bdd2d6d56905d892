"""What a run keeps as files: text, dictionaries, streams, figures."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import sys
from collections import deque
from collections.abc import Mapping
from pathlib import PurePath, PurePosixPath
from typing import Any, BinaryIO, Protocol

from nbtrack.errors import InvalidParameterError, MissingDependencyError
from nbtrack.store.artifacts import ArtifactFolder

_PLOTLY_IMAGES = {".png", ".jpg", ".jpeg", ".webp", ".svg", ".pdf"}


class Target(Protocol):
    """What these functions need of a run."""

    @property
    def artifacts(self) -> ArtifactFolder:
        """The artifacts of the run."""

    def set_tag(self, key: str, value: Any) -> None:
        """Set a tag of the run."""

    def tags(self) -> Mapping[str, str]:
        """Return the tags that are set now."""


def log_text(target: Target, text: str, artifact_file: str) -> None:
    """Store text as UTF-8."""
    target.artifacts.put_bytes(artifact_file, text.encode("utf-8", "backslashreplace"))


def log_dict(target: Target, dictionary: Any, artifact_file: str) -> None:
    """Store a dictionary as YAML (``.yml``, ``.yaml``) or else as JSON.

    Arrays and scalars of NumPy become lists and numbers, frames become rows, columns lists,
    data classes dictionaries, and what neither format knows becomes text.
    """
    values = plain(dictionary)
    if PurePosixPath(artifact_file).suffix.lower() in (".yml", ".yaml"):
        import yaml

        text = yaml.safe_dump(values, indent=2, default_flow_style=False, allow_unicode=True)
    else:
        text = json.dumps(values, indent=2)
    log_text(target, text, artifact_file)


def log_stream(target: Target, stream: BinaryIO, artifact_file: str) -> None:
    """Store what a binary stream holds, in constant memory."""
    target.artifacts.put_stream(artifact_file, stream)


def log_figure(
    target: Target,
    figure: Any,
    artifact_file: str,
    *,
    save_kwargs: dict[str, Any] | None = None,
) -> None:
    """Store a figure of matplotlib or plotly, in the format that the file name says.

    Parameters
    ----------
    figure : matplotlib.figure.Figure or plotly.graph_objects.Figure
        Or what has such a figure as its ``figure``: axes, a seaborn grid.
    artifact_file : str
        For plotly ``.html``, or a picture, which needs kaleido.
    save_kwargs : dict, optional
        Passed to ``savefig``, ``to_html`` or ``to_image``. An HTML file holds
        plotly.js, so that it shows without a network; ``{"include_plotlyjs":
        "directory"}`` keeps it once beside the figures, ``"cdn"`` nowhere.

    Raises
    ------
    TypeError
        If this is no figure, or plotly has no such format.
    """
    options = dict(save_kwargs or {})
    drawn = getattr(figure, "figure", figure)
    suffix = PurePosixPath(artifact_file).suffix.lower()
    if _is_a(drawn, "matplotlib.figure", "Figure"):
        buffer = io.BytesIO()
        options.setdefault("format", suffix[1:] or "png")
        drawn.savefig(buffer, **options)
        target.artifacts.put_bytes(artifact_file, buffer.getvalue())
    elif _is_a(figure, "plotly.basedatatypes", "BaseFigure"):
        _log_plotly(target, figure, artifact_file, suffix, options)
    else:
        raise TypeError(
            f"Unsupported figure object type: {type(figure)}. "
            "Log a matplotlib or plotly figure; log_image takes pictures."
        )


def _log_plotly(
    target: Target, figure: Any, artifact_file: str, suffix: str, options: dict[str, Any]
) -> None:
    if suffix in (".html", ".htm"):
        options = {"include_plotlyjs": True, **options}
        if options["include_plotlyjs"] == "directory":
            from plotly.offline import get_plotlyjs

            beside = PurePosixPath(artifact_file).with_name("plotly.min.js")
            target.artifacts.put_bytes(beside, get_plotlyjs().encode())
        log_text(target, figure.to_html(**options), artifact_file)
        return
    if suffix not in _PLOTLY_IMAGES:
        raise TypeError(
            f"Unsupported file extension for plotly figure: {suffix!r}. "
            f"Use .html, {', '.join(sorted(_PLOTLY_IMAGES))}."
        )
    options.setdefault("format", suffix[1:])
    try:
        picture = figure.to_image(**options)
    except (ImportError, ValueError, RuntimeError) as error:
        if "kaleido" not in str(error).lower() and "chrome" not in str(error).lower():
            raise
        raise MissingDependencyError(
            f"Plotly draws {suffix} pictures with kaleido and Chrome: {error} "
            "Install them (pip install kaleido) or log the figure as .html."
        ) from error
    target.artifacts.put_bytes(artifact_file, picture)


def plain(value: Any) -> Any:
    """Return ``value`` as what JSON and YAML know: dict, list, text, number, None."""
    if value is None or isinstance(value, bool | int | float | str):
        return _builtin(value)
    if isinstance(value, Mapping):
        return {_key(key): plain(item) for key, item in value.items()}
    if _is_a(value, "pandas", "DataFrame"):
        return plain(value.to_dict(orient="records"))
    if _is_a(value, "pandas", "Series") or _is_a(value, "pandas", "Index"):
        return plain(value.tolist())
    if _is_a(value, "polars", "DataFrame"):
        return plain(value.to_dicts())
    if _is_a(value, "polars", "Series"):
        return plain(value.to_list())
    if isinstance(value, list | tuple | set | frozenset | deque):
        return [plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, PurePath):
        return os.fspath(value)
    if _is_a(value, "numpy", "generic") or _is_a(value, "numpy", "ndarray"):
        return plain(value.tolist()) if value.dtype.kind in "biufUO" else str(value)
    if _is_a(value, "torch", "Tensor"):
        return plain(value.detach().cpu().tolist())
    return str(value)


def check_extension(artifact_file: str, allowed: tuple[str, ...]) -> str:
    """Return the lower-case extension of a file name, which must be one of these."""
    suffix = PurePosixPath(artifact_file).suffix.lower()
    if suffix not in allowed:
        raise InvalidParameterError(
            f"Unsupported file type provided: {artifact_file}. "
            f"Supported types are {' and '.join(allowed)}."
        )
    return suffix


def _builtin(value: Any) -> Any:
    # subclasses (numpy.float64, str enums) are no types that YAML can write
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return value if type(value) is kind else kind(value)
    return value


def _key(key: Any) -> Any:
    if isinstance(key, bool | int | float | str) or key is None:
        return _builtin(key)
    return str(key)


def _is_a(value: Any, module: str, name: str) -> bool:
    # a class whose module was never imported has no instances
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(value, kind)
