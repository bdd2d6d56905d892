"""A run in a zip file: what is in it, and what it is elsewhere."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

import nbtrack
from nbtrack.errors import AlreadyExistsError, InvalidParameterError
from nbtrack.projects.lock_file import lock_file
from programs import STRICT, python_path

TOKEN = "ghp_" + "a1B2" * 9
CELLS = {
    "version": 2,
    "line": "%%track net -e digits",
    "random_state": "ab" * 32,
    "needed": [
        {"number": 1, "source": "import math\nfactor = 2", "why": "factor"},
        {"number": 3, "source": "1 / 0", "why": "", "failed": True},
    ],
}
SCRIPT = """
import sys
import nbtrack
with nbtrack.start_run(run_name="from a script"):
    nbtrack.log_param("lr", sys.argv[2])
    nbtrack.log_metric("rows", len(open("data/rows.csv").read().split()))
"""


def cell_run(folder: Path) -> str:
    """Return a run that looks as one of a cell does, with data that is there, changed or large."""
    contents = {"rows.csv": b"1\n2\n", "sub/changed.csv": b"old", "large.bin": b"0" * 5000}
    files = []
    for path, content in contents.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        files.append({"path": path, "sha256": digest, "size": len(content), "mode": "read"})
    (folder / "sub" / "changed.csv").write_bytes(b"new")
    files.append({"path": "../outside.csv", "sha256": "0", "size": 1, "mode": "read"})
    nbtrack.set_experiment("digits")
    with nbtrack.start_run(run_name="net", tags={"deploy": TOKEN}) as run:
        nbtrack.log_params({"lr": 1e-3, "loss": "mse"})
        for step in range(50):
            nbtrack.log_metrics({"loss": 1 / (step + 3), "nan": float("nan")}, step=step)
        nbtrack.log_text("notes", "notes.txt")
        nbtrack.log_input(nbtrack.data.from_numpy(__import__("numpy").zeros(3), name="zeros"))
        nbtrack.set_tag("mlflow.source.name", "~/work/train.ipynb")
        put = run.writer.artifacts.put_bytes
        put(".nbtrack/cell.py", b"loss = math.exp(-factor)")
        put(".nbtrack/cells.json", json.dumps(CELLS).encode())
        put(f".nbtrack/random/{'ab' * 32}.json", b"{}")
        record = {"version": 1, "folder": str(folder), "files": files}
        put(".nbtrack/files.json", json.dumps(record).encode())
    return run.info.run_id


@pytest.fixture
def run_id(workdir: Path) -> str:
    return cell_run(workdir)


def test_a_capsule_opens_in_a_fresh_process(run_id: str, workdir: Path) -> None:
    there = nbtrack.get_run(run_id)
    nbtrack.capsule(run_id, "net.zip")
    code = (
        "import json, sys, nbtrack\n"
        "found = nbtrack.open_capsule(sys.argv[1], 'here')\n"
        "nbtrack.set_tracking_uri(found.store)\n"
        "run = nbtrack.get_run(found.run_id)\n"
        "history = nbtrack.Client().get_metric_history(run.info.run_id, 'loss')\n"
        "print(json.dumps([run.data.params, [[m.step, m.value, m.timestamp] for m in history],\n"
        "    run.info.run_name, run.info.start_time, run.info.end_time, found.missing,\n"
        "    run.inputs.dataset_inputs[0].dataset.name, nbtrack.artifacts.load_text(\n"
        "    f'runs:/{run.info.run_id}/notes.txt')]))"
    )
    elsewhere = workdir / "elsewhere"
    elsewhere.mkdir()
    env = {k: v for k, v in os.environ.items() if not k.startswith(("NBTRACK_", "MLFLOW_"))}
    done = subprocess.run(
        [sys.executable, *STRICT, "-c", code, str(workdir / "net.zip")],
        cwd=elsewhere,
        env={**env, "PYTHONPATH": python_path()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    params, history, name, start, end, missing, dataset, notes = json.loads(done.stdout)
    assert params == there.data.params
    kept = nbtrack.Client().get_metric_history(run_id, "loss")
    assert history == [[m.step, m.value, m.timestamp] for m in kept]
    assert (name, start, end) == ("net", there.info.start_time, there.info.end_time)
    assert (dataset, notes) == ("zeros", "notes")
    assert list((elsewhere / "here" / "nbtrack.duckdb.d").rglob("cells.json"))  # the record, too
    assert (elsewhere / "here" / "work" / "rows.csv").read_bytes() == b"1\n2\n"
    assert [text for text in missing if "changed.csv" in text and "has changed since" in text]
    assert [text for text in missing if "outside.csv" in text]
    assert not (elsewhere / "outside.csv").exists()


def test_the_notebook_of_a_capsule_runs_from_top_to_bottom(run_id: str) -> None:
    made = nbtrack.capsule(run_id, "net.zip")
    assert made.code == "work/train.ipynb"
    with zipfile.ZipFile("net.zip") as archive:
        cells = json.loads(archive.read(made.code))["cells"]
    sources = [cell["source"] for cell in cells]
    assert sources[0].startswith("%load_ext nbtrack\nimport nbtrack")
    assert sources[1:3] == ["import math\nfactor = 2", "1 / 0"]
    assert cells[2]["metadata"] == {"tags": ["raises-exception"]}
    assert sources[3] == f"nbtrack.restore_random_state('{run_id}')"
    assert sources[4] == "%%track net -e digits\nloss = math.exp(-factor)"


def test_no_secret_is_in_a_capsule_and_paths_are_relative(run_id: str, workdir: Path) -> None:
    nbtrack.capsule(run_id, "net.zip")
    with zipfile.ZipFile("net.zip") as archive:
        assert not [name for name in archive.namelist() if TOKEN.encode() in archive.read(name)]
        assert all(not name.startswith("/") and ".." not in name for name in archive.namelist())


def test_the_same_run_gives_the_same_bytes_but_for_the_date(run_id: str) -> None:
    nbtrack.capsule(run_id, "one.zip")
    nbtrack.capsule(run_id, "two.zip")
    assert Path("one.zip").read_bytes() == Path("two.zip").read_bytes()


def test_large_data_is_named_and_not_taken(run_id: str) -> None:
    made = nbtrack.capsule(run_id, "net.zip", data_below=1000)
    assert made.data == ["rows.csv"]
    assert any("large.bin" in text for text in made.left_out)
    with zipfile.ZipFile("net.zip") as archive:
        record = json.loads(archive.read("capsule.json"))
        assert "work/large.bin" not in archive.namelist()
    large = next(each for each in record["data"] if each["path"] == "large.bin")
    assert large["sha256"] == hashlib.sha256(b"0" * 5000).hexdigest()


def test_data_without_a_digest_and_folders_of_data_are_named_and_not_taken(run_id: str) -> None:
    folder = nbtrack.artifacts.download_artifacts(run_id=run_id)
    record = json.loads(Path(folder, ".nbtrack/files.json").read_text())
    for each in record["files"]:
        each["sha256"] = None
    record["folders"] = [{"path": "images", "count": 900, "size": 1, "mode": "read"}]
    nbtrack.log_dict(record, ".nbtrack/files.json", run_id=run_id)
    made = nbtrack.capsule(run_id, "net.zip")
    assert made.data == []
    assert "The data images/ is not in it: the run read 900 files there." in made.left_out
    assert "The data rows.csv is not in it: its content was not recorded." in made.left_out


def test_a_capsule_is_an_ro_crate(run_id: str) -> None:
    nbtrack.capsule(run_id, "net.zip")
    with zipfile.ZipFile("net.zip") as archive:
        metadata = json.loads(archive.read("ro-crate-metadata.json"))
        names = archive.namelist()
        digests = {name: hashlib.sha256(archive.read(name)).hexdigest() for name in names}
    assert metadata["@context"][0] == "https://w3id.org/ro/crate/1.1/context"
    graph = {each["@id"]: each for each in metadata["@graph"]}
    assert len(graph) == len(metadata["@graph"])
    assert graph["ro-crate-metadata.json"]["about"] == {"@id": "./"}
    root = graph["./"]
    assert {"name", "description", "datePublished", "license"} <= root.keys()
    action = graph[root["mentions"]["@id"]]
    assert action["@type"] == "CreateAction"
    assert action["actionStatus"]["@id"] == "http://schema.org/CompletedActionStatus"
    assert graph[action["instrument"]["@id"]]["@type"] == ["File", "SoftwareSourceCode"]
    assert {"work/rows.csv"} <= {each["@id"] for each in action["object"]}
    assert graph["work/rows.csv"]["alternateName"] == "rows.csv"
    assert "duckdb" in {
        graph[ref]["name"] for ref in references(graph[action["instrument"]["@id"]])
    }
    named = [ref for each in metadata["@graph"] for ref in references(each)]
    outside = [ref for ref in named if ref not in graph and not ref.startswith("http")]
    assert named
    assert not outside
    for each in metadata["@graph"]:
        if "File" in each["@type"]:
            assert each["sha256"] == digests[each["@id"]]
        elif each["@type"] == "Dataset" and each["@id"] != "./":
            assert any(name.startswith(each["@id"]) for name in names)


def references(entity: dict[str, Any]) -> list[str]:
    found: list[str] = []
    for value in entity.values():
        values = value if isinstance(value, list) else [value]
        found += [v["@id"] for v in values if isinstance(v, dict) and v.keys() == {"@id"}]
    return found


@pytest.mark.parametrize("name", ["../out.txt", "/out.txt", "a/../../out.txt", "C:/out.txt"])
def test_nothing_of_a_capsule_leaves_the_folder(workdir: Path, name: str) -> None:
    with zipfile.ZipFile("bad.zip", "w") as archive:
        archive.writestr("capsule.json", json.dumps({"version": 1, "run_id": "a" * 32}))
        archive.writestr(name, "out")
    with pytest.raises(InvalidParameterError, match="outside"):
        nbtrack.open_capsule("bad.zip", "here")
    assert not list(workdir.rglob("out.txt"))


def test_a_link_in_a_capsule_becomes_a_plain_file(run_id: str, workdir: Path) -> None:
    nbtrack.capsule(run_id, "net.zip")
    info = zipfile.ZipInfo("work/link")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile("net.zip", "a") as archive:
        archive.writestr(info, "/etc/passwd")
    nbtrack.open_capsule("net.zip", "here")
    assert not (workdir / "here/work/link").is_symlink()


def test_what_is_no_capsule_is_refused(run_id: str, workdir: Path) -> None:
    with zipfile.ZipFile("other.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(InvalidParameterError, match=r"is no capsule"):
        nbtrack.open_capsule("other.zip", "here")
    with pytest.raises(AlreadyExistsError, match="not empty"):
        nbtrack.open_capsule("other.zip", workdir)
    with pytest.raises(InvalidParameterError, match=r"does not end in \.zip"):
        nbtrack.capsule(run_id, "net.tar")


def test_a_capsule_of_a_script_has_the_files_of_its_commit(workdir: Path) -> None:
    top = workdir / "project"
    folder = top / "code"  # the program does not lie where the repository begins
    (folder / "data").mkdir(parents=True)
    (folder / "train.py").write_text(SCRIPT)
    (folder / "data" / "rows.csv").write_text("1 2 3")
    (folder / ".env").write_text("TOKEN=1")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "-C", str(top)]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *words], check=True)
    subprocess.run(
        [sys.executable, "train.py", "--lr", "0.1", "--api-key", TOKEN],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": python_path(), "NBTRACK_URI": str(workdir / "a.duckdb")},
        check=True,
    )
    nbtrack.set_tracking_uri("a.duckdb")
    run = nbtrack.search_runs(output_format="list")[0]
    made = nbtrack.capsule(run.info.run_id, "script.zip")
    assert made.code == "work/code/train.py"
    assert made.left_out == ["code/.env of the repository may hold secrets."]
    with zipfile.ZipFile("script.zip") as archive:
        record = json.loads(archive.read("capsule.json"))
        assert archive.read("work/code/data/rows.csv") == b"1 2 3"
        assert "work/code/.env" not in archive.namelist()
        assert "numpy==" in archive.read("requirements.txt").decode()
    assert record["command"] == ["train.py", "--lr", "0.1", "--api-key", "•••"]


def test_a_lock_file_says_what_it_cannot_install() -> None:
    recorded = "\n".join(
        [
            "# Python 3.11.7, Linux x86_64",
            "mine==1.0  # from this machine",
            "nbtrack==0.1.0",
            "numpy==2.4.0",
            "odd==1.2+local.1",
            "other @ git+https://host/other@abc",
            "torch==2.14.1+cpu",
        ]
    )
    found = lock_file({"python": {"version": "3.11.7"}}, recorded)
    assert found.lines == ["numpy==2.4.0", "odd==1.2", "other @ git+https://host/other@abc",
                           "torch==2.14.1+cpu", "ipykernel"]  # fmt: skip
    assert found.indexes == ["https://download.pytorch.org/whl/cpu"]
    assert [note.split()[0] for note in found.notes] == ["mine", "odd"]
    old = lock_file({"packages": {"numpy": "2.0"}}, None)
    assert old.lines == ["numpy==2.0", "ipykernel"]
    assert "Only the packages" in old.notes[0]


def test_commands_write_and_open_a_capsule(run_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    from nbtrack.cli import main

    for words in (["capsule", "net", "net.zip", "--data-below", "1kB"], ["open", "net.zip"]):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 0
    out, err = capsys.readouterr()
    assert f"run net ({run_id}) in " in out
    assert "large.bin" in err
    assert Path("net/work/train.ipynb").is_file()
