"""A model is the user's own when this user has saved it, wherever it lies; others ask."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import nbtrack
import programs
from nbtrack.cli.program import program
from nbtrack.errors import NotFoundError, UntrustedError
from nbtrack.models import trust_records
from nbtrack.models.edits import set_signature, update_model_requirements
from nbtrack.models.folder import ChangedModelError
from nbtrack.tracking import context
from tracking_servers import TrackingServer

pytestmark = pytest.mark.usefixtures("workdir")
CODE = """
from pathlib import Path
from nbtrack.models import set_model

Path({mark!r}).touch()

def double(model_input):
    return model_input * 2

set_model(double)
"""


@pytest.fixture(autouse=True)
def _my_state(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("mine")))


@pytest.fixture
def mark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the code of a model makes when it runs."""
    return tmp_path_factory.mktemp("mark") / "it-ran"


@pytest.fixture
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of somebody else."""
    return tmp_path_factory.mktemp("theirs")


@contextmanager
def somebody_else(folder: Path) -> Iterator[None]:
    """Be another user, who works in a folder and keeps notes of their own."""
    with pytest.MonkeyPatch.context() as patch, pytest.MonkeyPatch.context() as home:
        patch.setenv("XDG_STATE_HOME", str(folder / ".state"))
        patch.setattr(context, "_process", context._Process())  # which knows what it has made
        home.chdir(folder)
        nbtrack.set_tracking_uri(folder / "nbtrack.duckdb")
        try:
            yield
        finally:
            nbtrack.set_tracking_uri(None)


def logged(mark: Path, **options: object) -> str:
    """Log a model whose code leaves a mark, and return its id."""
    file = Path("double.py").absolute()
    file.write_text(CODE.format(mark=str(mark)))
    info = nbtrack.pyfunc.log_model(name="double", python_model=str(file), **options)
    mark.unlink()
    return nbtrack.get_logged_model(info.model_id).model_id  # and what is read is in the file


def refused(uri: object, mark: Path) -> str:
    """Return the message of the refusal; nothing ran."""
    with pytest.raises(UntrustedError, match=r"have not saved it on this machine.*trust=True") as e:
        nbtrack.pyfunc.load_model(uri)
    assert not mark.exists()
    return str(e.value)


def test_a_store_that_was_cloned_is_nobodys_own(theirs: Path, mark: Path) -> None:
    with somebody_else(theirs):
        with nbtrack.start_run() as run:
            model_id = logged(mark, registered_model_name="double")
        nbtrack.log_artifacts(nbtrack.get_logged_model(model_id).artifact_location, "kept")
        nbtrack.end_run()
    shutil.copytree(theirs, "repo", ignore=shutil.ignore_patterns(".state"))
    os.chdir("repo")
    nbtrack.set_tracking_uri("nbtrack.duckdb")
    place = nbtrack.get_logged_model(model_id).artifact_location
    uris = [f"models:/{model_id}", "models:/double/1", f"runs:/{run.info.run_id}/double", place]
    for uri in uris:
        assert f"nbtrack.trust('{Path.cwd() / 'nbtrack.duckdb'}')" in refused(uri, mark)
    nbtrack.pyfunc.load_model(uris[0], trust=True)
    assert mark.exists()


def test_a_store_in_a_parent_folder_is_not_own_for_lying_there(theirs: Path, mark: Path) -> None:
    with somebody_else(theirs):
        model_id = logged(mark)
    (theirs / "project").mkdir()
    os.chdir(theirs / "project")
    nbtrack.set_tracking_uri(theirs / "nbtrack.duckdb")
    refused(f"models:/{model_id}", mark)


def test_an_import_makes_no_model_own(theirs: Path, mark: Path) -> None:
    with somebody_else(theirs), nbtrack.start_run():
        model_id = logged(mark)
    nbtrack.interop.import_from(theirs / "nbtrack.duckdb", progress=False)
    refused(f"models:/{model_id}", mark)
    nbtrack.register_model(f"models:/{model_id}", "mine-by-name-only")
    refused("models:/mine-by-name-only/1", mark)


def test_what_is_uploaded_to_a_server_is_not_its_users_own(theirs: Path, mark: Path) -> None:
    server = TrackingServer(Path.cwd()).start()
    try:
        upload = """
        import sys, nbtrack
        nbtrack.set_tracking_uri(sys.argv[1])
        with nbtrack.start_run():
            print(nbtrack.pyfunc.log_model(name="double", python_model="double.py").model_id)
        """
        (theirs / "double.py").write_text(CODE.format(mark=str(mark)))
        out = programs.run(upload, server.url, cwd=theirs, XDG_STATE_HOME=str(theirs / "state"))
    finally:
        server.stop()
    mark.unlink()
    nbtrack.set_tracking_uri(server.store)
    refused(f"models:/{out.split()[-1]}", mark)


def test_notes_of_another_machine_do_not_travel_with_a_model(theirs: Path, mark: Path) -> None:
    """The manifest of a model of mine, around other files, makes these no better."""
    model_id = logged(mark)
    mine = Path(nbtrack.get_logged_model(model_id).artifact_location)
    shutil.copytree(mine, theirs / "m")
    code = theirs / "m" / "double.py"
    code.chmod(0o644)
    code.write_text(code.read_text() + "\n# and something else\n")
    with pytest.raises(ChangedModelError, match=r"double\.py"):
        nbtrack.pyfunc.load_model(theirs / "m")
    with somebody_else(theirs):  # a store whose record fits the other files
        made = (
            nbtrack.Client().initialize_logged_model if False else nbtrack.initialize_logged_model
        )
        fitting = made("m").model_id
        nbtrack.Client().log_model_artifacts(fitting, str(theirs / "m"))
    nbtrack.set_tracking_uri(theirs / "nbtrack.duckdb")
    refused(f"models:/{fitting}", mark)
    assert nbtrack.Client().list_logged_model_artifacts(fitting)


@pytest.mark.parametrize("extra", ["more.py", "code", "data"])
def test_a_file_or_a_link_that_was_added_is_refused(extra: str, mark: Path, theirs: Path) -> None:
    file = Path("double.py")
    file.write_text(CODE.format(mark=str(mark)))
    nbtrack.pyfunc.save_model("m", python_model=str(file))
    mark.unlink()
    (theirs / "more.py").write_text("")
    place = Path("m", extra)
    place.symlink_to(theirs) if extra != "more.py" else place.write_text("")
    with pytest.raises(ChangedModelError, match=f"'{extra}' of the model 'm' has been added"):
        nbtrack.pyfunc.load_model("m")
    assert not mark.exists()


def test_bytecode_beside_the_source_is_neither_read_nor_in_the_way(mark: Path) -> None:
    import importlib.util
    import py_compile

    Path("lib").mkdir()
    Path("lib", "tripled.py").write_text("FACTOR = 3\n")
    Path("triple.py").write_text(
        "from nbtrack.models import set_model\nfrom tripled import FACTOR\n"
        "set_model(lambda model_input: model_input * FACTOR)\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend("lib")
        nbtrack.pyfunc.save_model("m", python_model="triple.py", code_paths=["lib/tripled.py"])
    Path("evil.py").write_text(f"import pathlib; pathlib.Path({str(mark)!r}).touch(); FACTOR = 9\n")
    for source in (Path("m/triple.py"), Path("m/code/tripled.py")):
        cached = importlib.util.cache_from_source(source)
        py_compile.compile(
            "evil.py", cached, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
        )
    load = "import nbtrack; print(nbtrack.pyfunc.load_model('m').predict(2))"
    for _ in range(2):  # and what Python writes there itself does not spoil the next time
        assert programs.run(load, cwd=Path.cwd(), PYTHONDONTWRITEBYTECODE="") == "6\n"
    assert not mark.exists()


def test_an_mlmodel_file_names_nothing_outside_of_its_folder(mark: Path) -> None:
    Path("m").mkdir()
    Path("elsewhere.pkl").write_bytes(b"")
    for name in ("../elsewhere.pkl", str(Path("elsewhere.pkl").absolute()), "c:/x.pkl"):
        Path("m/MLmodel").write_text(
            "flavors:\n  python_function:\n    loader_module: mlflow.pyfunc.model\n"
            f"    python_model: {name!r}\n"
        )
        with pytest.raises(nbtrack.NbtrackError, match="no file of the model"):
            nbtrack.pyfunc.load_model("m", trust=True)


# -- the usual path ---------------------------------------------------------------------

LOAD = """
import sys, nbtrack
for uri in sys.argv[1:]:
    print(nbtrack.pyfunc.load_model(uri).predict(2))
"""


def test_what_i_saved_loads_in_the_next_process_wherever_it_lies(mark: Path, theirs: Path) -> None:
    with nbtrack.start_run() as run:
        model_id = logged(mark, registered_model_name="double")
    place = nbtrack.get_logged_model(model_id).artifact_location
    nbtrack.artifacts.download_artifacts(f"models:/{model_id}", dst_path="down")
    nbtrack.pyfunc.save_model("saved", python_model="double.py")
    with nbtrack.start_run() as second:
        nbtrack.log_artifacts("saved", "kept")
    uris = [f"models:/{model_id}", "models:/double/1", f"runs:/{run.info.run_id}/double", place]
    uris += ["down", "saved", f"runs:/{second.info.run_id}/kept"]
    assert programs.run(LOAD, *uris, cwd=Path.cwd()).split() == ["4"] * len(uris)
    moved = theirs / "moved"
    shutil.copytree(Path.cwd(), moved)
    assert programs.run(LOAD, *uris[:3], cwd=moved).split() == ["4"] * 3
    assert programs.run(LOAD, *uris[:3], cwd=moved, PYTHONDONTWRITEBYTECODE="").split() == ["4"] * 3


def test_changes_of_mine_leave_a_model_mine(mark: Path) -> None:
    model_id = logged(mark, input_example=np.ones(2))
    uri = f"models:/{model_id}"
    update_model_requirements(uri, "add", ["tqdm"])
    set_signature(uri, nbtrack.models.infer_signature(np.ones(2), np.ones(2)))
    assert nbtrack.pyfunc.load_model(uri).predict(np.ones(2)).tolist() == [2.0, 2.0]
    Path("notes.txt").write_text("mine")
    nbtrack.Client().log_model_artifact(model_id, "notes.txt")
    nbtrack.Client().set_logged_model_tags(model_id, {"kind": "mine"})
    nbtrack.pyfunc.load_model(uri)
    folder = nbtrack.artifacts.download_artifacts(uri, dst_path="down")
    (Path(folder) / "notes.txt").unlink()
    nbtrack.pyfunc.load_model(folder)
    update_model_requirements(folder, "remove", ["tqdm"])
    nbtrack.pyfunc.load_model(folder)


def test_changing_somebody_elses_model_makes_it_not_mine(theirs: Path, mark: Path) -> None:
    with somebody_else(theirs):
        model_id = logged(mark)
    nbtrack.interop.import_from(theirs / "nbtrack.duckdb", progress=False)
    update_model_requirements(f"models:/{model_id}", "add", ["tqdm"])
    Path("notes.txt").write_text("mine")
    nbtrack.Client().log_model_artifact(model_id, "notes.txt")
    refused(f"models:/{model_id}", mark)


# -- consent for a whole store ----------------------------------------------------------


def test_a_whole_store_is_trusted_as_it_is_now(theirs: Path, mark: Path) -> None:
    with somebody_else(theirs):
        with nbtrack.start_run() as run:
            first = logged(mark)
        plain = Path("plain")  # as MLflow writes it: without a record of its files
        nbtrack.pyfunc.save_model(plain, python_model="double.py")
        (plain / "nbtrack-files.json").unlink()
        with nbtrack.start_run(run.info.run_id):
            nbtrack.log_artifacts(plain, "plain")
    store = theirs / "nbtrack.duckdb"
    assert len(nbtrack.trust(store)) == 2
    nbtrack.set_tracking_uri(store)
    for uri in (f"models:/{first}", f"runs:/{run.info.run_id}/plain"):
        assert nbtrack.pyfunc.load_model(uri).predict(2) == 4
    assert nbtrack.pyfunc.load_model(theirs / "plain").predict(2) == 4  # equal, so trusted
    mark.unlink()
    with somebody_else(theirs):
        later = logged(mark, metadata={"it is": "another one"})
    nbtrack.set_tracking_uri(store)
    refused(f"models:/{later}", mark)
    with pytest.raises(UntrustedError, match="trust=False"):
        nbtrack.pyfunc.load_model(f"models:/{first}", trust=False)
    assert nbtrack.trust(theirs, forget=True) == []
    refused(f"models:/{first}", mark)


def test_the_command_trusts_lists_and_forgets(theirs: Path, mark: Path) -> None:
    with somebody_else(theirs):
        model_id = logged(mark)
    store = str(theirs / "nbtrack.duckdb")
    mine = logged(mark)

    def command(*words: str) -> str:
        done = CliRunner().invoke(program, ["trust", *words])
        assert done.exit_code == 0, done.output
        return done.output

    assert "nobody's models but your own" in command("--list")
    assert "1 models" in command(store)
    assert json.loads(command("--list", "--json")) == [{"place": store, "models": 1}]
    nbtrack.set_tracking_uri(store)
    nbtrack.pyfunc.load_model(f"models:/{model_id}")
    mark.unlink()
    command("--forget", store)
    refused(f"models:/{model_id}", mark)
    with pytest.raises(NotFoundError, match="nothing that you trust"):
        nbtrack.trust(store, forget=True)
    with pytest.raises(NotFoundError, match="no store and no model"):
        nbtrack.trust(theirs / "nothing.duckdb")
    nbtrack.set_tracking_uri(None)
    nbtrack.trust(nbtrack.get_tracking_uri())
    nbtrack.trust(nbtrack.get_tracking_uri())  # again, and it does not double
    with pytest.raises(NotFoundError):  # what I have saved was mine before, and stays mine
        nbtrack.trust(nbtrack.get_tracking_uri(), forget=True)
    nbtrack.pyfunc.load_model(f"models:/{mine}")


def test_one_model_is_trusted_by_its_folder(theirs: Path, mark: Path) -> None:
    with somebody_else(theirs):
        model_id = logged(mark)
        folder = nbtrack.get_logged_model(model_id).artifact_location
    shutil.copytree(folder, "copy")
    (Path("copy") / "nbtrack-files.json").unlink()
    refused("copy", mark)
    assert nbtrack.trust("copy") == ["copy"]
    nbtrack.pyfunc.load_model("copy")
    mark.unlink()
    code = Path("copy/double.py")
    code.chmod(0o644)
    code.write_text(code.read_text() + "\n")
    refused("copy", mark)


# -- notes ------------------------------------------------------------------------------


def test_notes_are_for_the_user_alone(mark: Path) -> None:
    old = os.umask(0o002)
    try:
        logged(mark)
    finally:
        os.umask(old)
    folder = trust_records.notes_folder()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(note.stat().st_mode) for note in folder.iterdir()} == {0o600}
    folder.chmod(0o755)  # as versions before this made it
    nbtrack.pyfunc.save_model("m", python_model="double.py")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_notes_that_others_could_have_written_are_not_believed(
    mark: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model_id = logged(mark)
    trust_records.notes_folder().chmod(0o777)
    assert "others can write to" in refused(f"models:/{model_id}", mark)
    nbtrack.pyfunc.save_model("m", python_model="double.py")
    assert "cannot be noted" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives away")
def test_notes_of_another_user_are_not_believed(mark: Path) -> None:
    model_id = logged(mark)
    note = next(trust_records.notes_folder().iterdir())
    os.chown(note, 12345, 12345)
    refused(f"models:/{model_id}", mark)
    os.chown(note, 0, 0)
    nbtrack.pyfunc.load_model(f"models:/{model_id}")
    mark.unlink()
    os.chown(trust_records.notes_folder(), 12345, 12345)
    assert "not a folder of yours" in refused(f"models:/{model_id}", mark)


def test_where_nothing_can_be_noted_the_message_says_so(
    mark: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(Path("file").absolute()))
    model_id = logged(mark)
    assert "XDG_STATE_HOME" in capsys.readouterr().err
    assert "file cannot be written" in refused(f"models:/{model_id}", mark)


def test_notes_of_versions_before_this_one_count() -> None:
    """They are empty files, named by the SHA-256 of the manifest's text."""
    import hashlib

    Path("double.py").write_text(CODE.format(mark=str(Path("mark").absolute())))
    nbtrack.pyfunc.save_model("m", python_model="double.py")
    note = hashlib.sha256(Path("m/nbtrack-files.json").read_bytes()).hexdigest()
    assert [path.name for path in trust_records.notes_folder().iterdir()] == [note]
    assert not (trust_records.notes_folder() / note).stat().st_size
