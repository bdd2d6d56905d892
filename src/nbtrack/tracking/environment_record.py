"""What is kept with a run of where it happens: found out in threads, since it takes longer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbtrack.tracking.run import ActiveRun

ENVIRONMENT_FILE = ".nbtrack/environment.json"
PACKAGES_FILE = ".nbtrack/requirements.txt"  # the same for many runs: its content is kept once
SCRIPT_FILE = ".nbtrack/script.py"
PARTS = ".nbtrack/parts"  # of a run that was resumed, by their numbers


def describe_run(run: ActiveRun, given: Mapping[str, Any]) -> None:
    """Add what takes longer to find out: git, packages, GPU; runs in a thread."""
    from nbtrack.tracking.environment import describe

    run.ending.wait(0.25)  # stay out of the way of the first steps
    try:
        tags, environment = describe()
        run.writer.add_tags({key: value for key, value in tags.items() if key not in given})
        _keep_environment(run, environment)
    except Exception as error:  # noqa: BLE001  a thread has no caller: it is said once, by name
        _warn_of_environment(run, error)


def describe_run_once(run: ActiveRun) -> None:
    """Keep where a run happens that another program has made, such as ``nbtrack run``."""
    from nbtrack.tracking.environment import describe

    run.ending.wait(0.25)
    try:
        if not run.writer.artifacts.exists(ENVIRONMENT_FILE):
            _keep_environment(run, describe()[1])
    except Exception as error:  # noqa: BLE001  as above
        _warn_of_environment(run, error)


def describe_part(run: ActiveRun, number: int, more: Mapping[str, Any]) -> None:
    """Keep the command that goes on with a run of another process, so that both are run again."""
    from nbtrack.tracking.environment import describe, script_source

    run.ending.wait(0.25)
    try:
        text = json.dumps({**describe()[1], **more}, indent=1, default=str)
        _put(run, {"environment.json": text, "script.py": script_source()}, f"{PARTS}/{number}/")
    except Exception as error:  # noqa: BLE001  as above
        _warn_of_environment(run, error)


def _keep_environment(run: ActiveRun, environment: Mapping[str, Any]) -> None:
    from nbtrack.tracking.environment import installed_packages, script_source

    text = json.dumps(environment, indent=1, default=str)
    files = {ENVIRONMENT_FILE: text, PACKAGES_FILE: installed_packages()}
    _put(run, {**files, SCRIPT_FILE: script_source()})


def _put(run: ActiveRun, files: Mapping[str, str | None], folder: str = "") -> None:
    for path, content in files.items():
        if content is not None:
            run.writer.artifacts.put_bytes(
                f"{folder}{path}", content.encode("utf-8", "backslashreplace")
            )


def _warn_of_environment(run: ActiveRun, error: Exception) -> None:
    run.store.warn_once(f"The environment of run {run.info.run_name} could not be kept: {error}")
