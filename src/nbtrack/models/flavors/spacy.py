"""Pipelines of spaCy, in spaCy's own format."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Unpack

from nbtrack.errors import InvalidParameterError, warn
from nbtrack.models import logging
from nbtrack.models.flavors import native_files
from nbtrack.models.flavors.native_files import describe, described, read_elsewhere
from nbtrack.models.folder import check_files
from nbtrack.models.info import ModelInfo
from nbtrack.models.loading import OpenedModel, as_opened, open_model, reads_model
from nbtrack.models.model import Model
from nbtrack.models.objects.references import is_own
from nbtrack.models.options import LogOptions, SaveOptions, spelled_out
from nbtrack.models.progress import working
from nbtrack.models.requirements import framework

FLAVOR = "spacy"
_FOLDER = "model.spacy"
_OWN = ("spacy", "spacy_legacy", "thinc")
# what spaCy has besides these in its sections of a pipeline reads files, or calls what it is told
_REGISTRIES = {
    *("architectures", "initializers", "layers", "misc", "scorers", "tokenizers", "vectors"),
}
_READING = re.compile(r"(?i)torch|tensorflow|mxnet|FromFile|DataLoader")
# fmt: off
_FACTORIES = {
    "attribute_ruler", "beam_ner", "beam_parser", "doc_cleaner", "entity_linker",
    "entity_ruler", "future_entity_ruler", "lemmatizer", "merge_entities", "merge_noun_chunks",
    "merge_subtokens", "morphologizer", "ner", "nn_labeller", "parser", "sentencizer", "senter",
    "span_finder", "span_ruler", "spancat", "spancat_singlelabel", "tagger", "textcat",
    "textcat_multilabel", "tok2vec", "token_splitter", "trainable_lemmatizer",
}
# fmt: on
# an error is an answer, and is said where the file is read in earnest: only a crash counts here
_READ = """
import spacy
try:
    spacy.load(given[0])("This is a text.")
except Exception:
    pass
"""


@spelled_out(SaveOptions)
def save_model(
    spacy_model: Any,
    path: str | os.PathLike[str],
    **options: Unpack[SaveOptions],
) -> Model:
    """Save a pipeline of spaCy as a folder.

    Parameters
    ----------
    spacy_model : spacy.Language
        The model.
    path : str or path
        A folder that does not exist yet, or is empty.
    **options
        As for every flavor: signature, input_example, pip_requirements, ...

    Raises
    ------
    InvalidParameterError
        If it is no such pipeline.
    UnfaithfulModelError
        If what was written gives other outputs for the input example.

    Examples
    --------
    >>> import spacy
    >>> _ = nbtrack.spacy.save_model(spacy.blank("en"), "english")
    >>> [str(word) for word in nbtrack.spacy.load_model("english")("It works.")]
    ['It', 'works', '.']
    """
    return logging.save(path=path, **_parts(spacy_model), **options)


@spelled_out(LogOptions)
def log_model(
    spacy_model: Any,
    artifact_path: str | None = None,
    **options: Unpack[LogOptions],
) -> ModelInfo:
    """Log a pipeline of spaCy; see :func:`save_model`.

    Parameters
    ----------
    spacy_model : spacy.Language
        The model.
    artifact_path : str, optional
        The model's name; better said as ``name=``.
    **options
        As for every flavor: name, registered_model_name, signature, input_example, params, ...

    Examples
    --------
    >>> import spacy
    >>> with nbtrack.start_run():
    ...     info = nbtrack.spacy.log_model(spacy.blank("en"), name="english")
    """
    return logging.log(artifact_path=artifact_path, **_parts(spacy_model), **options)


@reads_model
def load_model(
    model_uri: str | os.PathLike[str],
    dst_path: str | os.PathLike[str] | None = None,
    *,
    trust: bool | None = None,
) -> Any:
    """Load a pipeline of spaCy.

    Parameters
    ----------
    model_uri : str or path
        The model.
    dst_path : str or path, optional
        The folder to copy it to.
    trust : bool, optional
        True lets functions run that the configuration of somebody else's pipeline names, besides
        spaCy's own, and code that came with it (``code_paths``).

    Raises
    ------
    UntrustedError
        If the model would run code that nobody has consented to.

    Examples
    --------
    >>> import spacy
    >>> info = nbtrack.spacy.log_model(spacy.blank("en"), name="english")
    >>> nbtrack.spacy.load_model(info.model_uri).lang
    'en'
    """
    return _loaded(open_model(model_uri, dst_path), trust)


@reads_model
def _load_pyfunc(
    path: str | OpenedModel,
    model_config: Mapping[str, Any] | None = None,
    trust: bool | None = None,
) -> Predictor:
    """Load the model for ``pyfunc``."""
    return Predictor(_loaded(as_opened(path), trust))


class Predictor(native_files.Predictor):
    """A pipeline that says for each text what its categories are."""

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """Return a frame with a dictionary of categories for each text.

        Parameters
        ----------
        data : DataFrame
            One column of texts.
        params : dict, optional
            MLflow's; not used.

        Raises
        ------
        InvalidParameterError
            If it has other columns.
        """
        import pandas as pd

        if getattr(data, "ndim", 0) != 2 or data.shape[1] != 1:
            raise InvalidParameterError(
                "A pipeline of spaCy predicts from a frame with one column of texts, and this is "
                f"{type(data).__name__} of the shape {getattr(data, 'shape', None)}."
            )
        docs = self.model.pipe([str(text) for text in data.iloc[:, 0]])
        return pd.DataFrame({"predictions": [doc.cats for doc in docs]})


def _parts(spacy_model: Any) -> dict[str, Any]:
    spacy = framework("spacy")

    if not isinstance(spacy_model, spacy.Language):
        raise InvalidParameterError(
            f"{type(spacy_model).__name__} is no pipeline of spaCy (spacy.Language)."
        )
    own = [name for name, pipe in spacy_model.pipeline if is_own(_module_of(pipe))]
    if own:
        warn(
            f"The components {', '.join(own)} are your own, and spaCy keeps only their names: "
            "register them (@Language.component, @Language.factory) before the model is loaded."
        )
    categorizers = framework("spacy.pipeline").TextCategorizer
    predicts = any(isinstance(pipe, categorizers) for _, pipe in spacy_model.pipeline)

    def write(folder: Path, model: Model) -> None:
        spacy_model.to_disk(folder / _FOLDER)
        model.requirements.add_package("spacy")
        model.requirements.add_module(*(_module_of(pipe) for _, pipe in spacy_model.pipeline))
        describe(
            model,
            FLAVOR,
            loader="mlflow.spacy" if predicts else None,
            pyfunc={"data": _FOLDER},
            spacy_version=spacy.__version__,
            data=_FOLDER,
        )

    def check(folder: Path) -> Callable[..., Any]:
        return Predictor(spacy.load(folder / _FOLDER)).predict

    predict = Predictor(spacy_model).predict if predicts else None
    return {"write": write, "predict": predict, "check": None if own else check}


def _module_of(pipe: Any) -> str:
    return str(getattr(pipe, "__module__", None) or type(pipe).__module__)


def _loaded(opened: OpenedModel, trust: bool | None) -> Any:
    known = described(opened, FLAVOR, trust)
    name = str(known.get("data", _FOLDER))
    check_files(opened, [name])
    folder = opened.file(name)
    if not opened.own:
        what = next(_run_by(framework("thinc.api").Config().from_disk(folder / "config.cfg")), None)
        if what is not None:
            opened.ask(f"{what} that its config.cfg names", trust)
        else:
            read_elsewhere(_READ, str(folder), file=folder, library="spaCy")
    with working("load model"):
        return framework("spacy").load(folder)


def _run_by(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a pipeline runs that does more than to put spaCy's own parts together."""
    language = str(config.get("nlp", {}).get("lang"))
    if not re.fullmatch(r"[a-z]{2,3}", language):
        yield f"the language {language!r}"
    for name, component in config.get("components", {}).items():
        factory = component.get("factory") if isinstance(component, Mapping) else None
        if factory not in _FACTORIES or "source" in component:
            yield f"the component {name!r}"
    for section in ("nlp", "components"):
        yield from _functions(config.get(section, {}))


def _functions(part: Any) -> Iterator[str]:
    registry = framework("spacy").registry
    items = part.items() if isinstance(part, Mapping) else enumerate(part)
    for key, value in items:
        if isinstance(value, Mapping | list | tuple):
            yield from _functions(value)
        if isinstance(key, str) and key.startswith("@"):
            where = key.removeprefix("@")
            if where not in _REGISTRIES or not isinstance(value, str) or _READING.search(value):
                yield f"the function {value!r}"
                continue
            module = str(registry.find(where, value)["module"])
            if module.partition(".")[0] not in _OWN:
                yield f"the function {value!r}"
