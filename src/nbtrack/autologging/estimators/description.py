"""What an estimator is: its class, its params, its picture, the kind of model that it makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbtrack.autologging.estimators.answers import Answers
from nbtrack.autologging.training import Training

_PAGE = """<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="UTF-8"/>
  </head>
  <body>
    {}
  </body>
</html>
"""


def estimator_tags(estimator: Any) -> dict[str, str]:
    """Return the tags that say what was fitted.

    Parameters
    ----------
    estimator : estimator
    """
    kind = type(estimator)
    return {
        "estimator_name": kind.__name__,
        "estimator_class": f"{kind.__module__}.{kind.__name__}",
    }


def readable(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return params whose functions and classes have their names, and no address in memory.

    Parameters
    ----------
    params : mapping
        As ``get_params`` returns them.
    """
    return {str(name): _readable(value) for name, value in params.items()}


def _readable(value: Any) -> Any:
    name = getattr(value, "__qualname__", None)
    return f"{value.__module__}.{name}" if callable(value) and isinstance(name, str) else value


def log_page(session: Training, estimator: Any) -> None:
    """Log the picture of an estimator that notebooks show.

    Parameters
    ----------
    session : Training
    estimator : estimator
    """
    from sklearn.utils import estimator_html_repr

    session.log_text(_PAGE.format(estimator_html_repr(estimator)), "estimator.html")


def log_model(
    session: Training, estimator: Any, answers: Answers, name: str, registered: str | None = None
) -> str | None:
    """Log a fitted estimator as a model; return the model's id.

    Parameters
    ----------
    session : Training
    estimator : estimator
        Fitted.
    answers : Answers
        Of the estimator, or of one that predicts as it does.
    name : str
        Of the model.
    registered : str or None
        The registered model that it is a new version of.
    """
    from nbtrack.models.flavors import sklearn as flavor

    settings = session.settings
    signature: Any = False
    if settings.log_model_signatures:
        signature = session.attempt("The signature of the model", _signature, answers) or False
    info = flavor.log_model(
        estimator,
        name=name,
        run_id=session.run.info.run_id,
        signature=signature,
        input_example=answers.data.first_rows if settings.log_input_examples else None,
        serialization_format=settings.more.get("serialization_format"),
        registered_model_name=registered,
    )
    return info.model_id


def _signature(answers: Answers) -> Any:
    from nbtrack.models.signature import infer_signature

    sample, readable_sample = answers.data.sample()
    if sample is None:
        return None
    output = None
    for method in ("predict", "transform"):
        if answers.has(method):
            output = answers.first(method, sample)
            break
    return infer_signature(readable_sample, output)
