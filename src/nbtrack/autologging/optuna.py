"""``nbtrack.optuna``: a study is a run, and each of its trials a run below it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

from nbtrack.autologging import fits
from nbtrack.autologging.patches import Patches
from nbtrack.autologging.settings import DEFAULTS, AutologOptions
from nbtrack.autologging.switches import switch
from nbtrack.autologging.training import Training, training
from nbtrack.autologging.trials import NAME, Trials, log_tags, open_trials
from nbtrack.models.options import spelled_out

_SUGGESTS = ("suggest_float", "suggest_int", "suggest_categorical")


@spelled_out(AutologOptions, DEFAULTS)
def autolog(*, metric_name: str = "value", **options: Unpack[AutologOptions]) -> None:
    """Log the studies of Optuna: ``study.optimize`` is a run, each trial a run below it.

    What the objective logs, or what is logged of what it trains, goes to the run of its trial.
    Trials that are asked for and told (``study.ask``) are left alone.

    Parameters
    ----------
    metric_name : str, optional
        What the value of the objective is called, unless the study has names for its values.
    **options
        What every ``autolog`` takes, see :func:`nbtrack.autolog`.

    Examples
    --------
    >>> import nbtrack
    >>> nbtrack.optuna.autolog()
    >>> nbtrack.optuna.autolog(disable=True)
    """
    switch(NAME, {"metric_name": metric_name, **options})


def install(patches: Patches) -> None:
    """Wrap what runs studies, and what trials say of themselves.

    Parameters
    ----------
    patches : Patches
    """
    from optuna.study import Study
    from optuna.trial import Trial

    patches.around(Study, "optimize", _optimize)
    patches.around(Trial, "report", _report)
    for name in _SUGGESTS:
        patches.around(Trial, name, _suggest)


def _optimize(original: Callable[..., Any], study: Any, *args: Any, **kwargs: Any) -> Any:
    call = fits.arguments(original, (study, *args), kwargs)
    if call is None:  # Optuna says what is wrong
        return original(study, *args, **kwargs)
    del call["self"]
    call["callbacks"] = None if call["callbacks"] is None else [*call["callbacks"]]
    if _is_logged_already(call["callbacks"]):
        return original(study, **call)
    with training(NAME, study.study_name) as session:
        if session is None:
            return original(study, **call)
        session.attempt("The params", _log_study, session, study, call)
        name = session.settings.more.get("metric_name", "value")
        trials = Trials(session.settings, session.run, name)

        def told(_: Any, frozen: Any) -> None:
            trials.finish(study, frozen)
            session.attempt("The values of a trial", trials.log_progress, session, study, frozen)

        given = {**call, "func": trials.objective(call["func"])}
        given["callbacks"] = [told, *(call["callbacks"] or ())]
        try:
            found = original(study, **given)
        except BaseException as error:
            trials.close(error)
            raise
        finally:
            session.attempt("The result", _log_best, session, study)
        return found


def _is_logged_already(callbacks: Any) -> bool:
    names = {type(each).__name__ for each in callbacks or ()}
    return bool(names & {"NbtrackCallback", "MLflowCallback"})


def _report(original: Callable[..., Any], trial: Any, *args: Any, **kwargs: Any) -> Any:
    found = original(trial, *args, **kwargs)
    begun, call = open_trials.get(trial), fits.arguments(original, (trial, *args), kwargs)
    if begun is not None and call is not None:
        begun.report(float(call["value"]), int(call["step"]))
    return found


def _suggest(original: Callable[..., Any], trial: Any, *args: Any, **kwargs: Any) -> Any:
    value = original(trial, *args, **kwargs)
    begun, call = open_trials.get(trial), fits.arguments(original, (trial, *args), kwargs)
    if begun is not None and call is not None:
        begun.session.log_params({call["name"]: value})
    return value


def _directions(study: Any) -> dict[str, Any]:
    names = [each.name.lower() for each in study.directions]
    return {"direction": names[0]} if len(names) == 1 else {"directions": names}


def _log_study(session: Training, study: Any, call: dict[str, Any]) -> None:
    made = {"sampler": type(study.sampler).__name__, "pruner": type(study.pruner).__name__}
    names = ("n_trials", "timeout", "n_jobs")
    given = fits.params_set((each, call[each]) for each in names)
    session.log_params({"study_name": study.study_name, **_directions(study), **made, **given})


def _log_best(session: Training, study: Any) -> None:
    log_tags(session, study.user_attrs)
    if len(study.directions) > 1:
        best = [
            {"number": each.number, "values": each.values, "params": each.params}
            for each in study.best_trials
        ]
        session.log_dict(best, "best_trials.json")
        return
    try:
        trial = study.best_trial
    except ValueError:  # none is complete
        return
    params = {f"best_{name}": value for name, value in trial.params.items()}
    session.log_params({"best_trial": trial.number, **params})
