"""Taking a run elsewhere: capsules."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nbtrack.suggestions import suggests_keywords
from nbtrack.tracking import context

if TYPE_CHECKING:
    from nbtrack.capsules import Capsule, OpenedCapsule


@suggests_keywords
def capsule(
    run_id: str,
    path: str | os.PathLike[str],
    *,
    data_below: int = 100_000_000,
    model: bool = True,
) -> Capsule:
    """Write a run into one zip file: what is needed to look at it, and to run it again, elsewhere.

    Its code (the cells it needed as a notebook that runs from top to bottom; the script, and the
    files of its git commit), a lock file of its environment, the files that it read, models,
    params, metrics and artifacts. The file is an RO-Crate, and holds no secrets.

    Parameters
    ----------
    run_id : str
        The id of the run.
    path : str or path
        Ends in ``.zip``; must not exist.
    data_below : int, optional
        How many bytes of data may come along in all, the smallest files first. Others are named,
        with their SHA-256. 0 for no data.
    model : bool, optional
        Whether the files of its models come along.

    Returns
    -------
    Capsule
        What is in it, and what is not.

    Raises
    ------
    NotFoundError
        If there is no such run.
    AlreadyExistsError
        If there is such a file.

    Examples
    --------
    >>> with nbtrack.start_run() as run:
    ...     nbtrack.log_metric("loss", 0.4)
    >>> nbtrack.capsule(run.info.run_id, "baseline.zip").path
    '...baseline.zip'
    """
    from nbtrack.capsules import write_capsule

    store = context.store_of(run_id)
    return write_capsule(store, run_id, path, data_below=data_below, model=model)


@suggests_keywords
def open_capsule(
    path: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    rerun: bool = False,
    env: bool = False,
) -> OpenedCapsule:
    """Unpack a capsule into a folder, and bring its run into a store there.

    Nothing of it is executed, but with ``rerun=True`` the code of its run. A capsule is taken for a
    stranger's: no file of it leaves the folder, and its models are not loaded without consent.

    Parameters
    ----------
    path : str or path
        A file that ``nbtrack.capsule`` has written.
    folder : str or path
        New, or empty.
    rerun : bool, optional
        Run its code, which is its maker's, and compare with the numbers in it.
    env : bool, optional
        With ``rerun``: in the environment that was recorded, which takes the network.

    Returns
    -------
    OpenedCapsule
        Where the run is, what the capsule does not have, and with ``rerun`` the ``verdict``.

    Raises
    ------
    NotFoundError, InvalidParameterError
        If there is no such file, or it is no capsule, or is made to do harm.
    AlreadyExistsError
        If something is in the folder.

    Examples
    --------
    >>> with nbtrack.start_run(run_name="to a friend") as run:
    ...     nbtrack.log_metric("loss", 0.4)
    >>> _ = nbtrack.capsule(run.info.run_id, "friend.zip")
    >>> opened = nbtrack.open_capsule("friend.zip", "unpacked")
    >>> opened.run_name, opened.missing
    ('to a friend', [])
    """
    from nbtrack.capsules import open_capsule as unpacked

    return unpacked(path, folder, rerun=rerun, env=env)
