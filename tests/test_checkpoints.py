"""A training goes on from a checkpoint as if it had never stopped."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import nbtrack  # noqa: E402
from nbtrack.errors import InvalidParameterError, NbtrackError, NotFoundError  # noqa: E402
from programs import run, start  # noqa: E402
from trainings import FIRST, SECOND, STRAIGHT, TRAINING  # noqa: E402

pt = nbtrack.pytorch


class Mine:
    """No data."""


def net(scale: float = 1.0) -> Any:
    torch.manual_seed(3)
    model = torch.nn.Linear(4, 2)
    with torch.no_grad():
        model.weight *= scale
    return model


def test_training_resumes_bit_for_bit_in_another_process(tmp_path: Path) -> None:
    store = {"NBTRACK_URI": str(tmp_path / "nbtrack.duckdb"), "PYTHONWARNINGS": "ignore"}
    straight = start(TRAINING + STRAIGHT, cwd=tmp_path, **store)
    runs = run(TRAINING + FIRST, cwd=tmp_path, **store).split()
    resumed = run(TRAINING + SECOND, *runs, cwd=tmp_path, **store).splitlines()
    expected = straight.communicate(timeout=60)[0].splitlines()
    assert len(expected) == 3
    assert [json.loads(line) for line in resumed] == [json.loads(line) for line in expected]


def test_a_checkpoint_is_one_file_that_anyone_reads(workdir: Path) -> None:
    from safetensors.torch import load_file

    model = net()
    with nbtrack.start_run() as active:
        path = pt.log_checkpoint(model, epoch=3, step=12)
    assert path == "checkpoints/epoch_0003_step_00000012.safetensors"
    tensors = load_file(
        nbtrack.artifacts.download_artifacts(run_id=active.info.run_id) + "/" + path
    )
    assert torch.equal(tensors["model.weight"], model.weight)


def test_the_latest_and_the_best_are_kept(workdir: Path) -> None:
    losses = [3.0, 1.0, 2.0, 4.0, 5.0]
    with nbtrack.start_run():
        for epoch, loss in enumerate(losses):
            pt.log_checkpoint(net(loss), epoch=epoch, metrics={"loss": loss}, keep=2, best="loss")
        kept = pt.list_checkpoints()
        assert [checkpoint.epoch for checkpoint in kept] == [1, 3, 4]
        model = net(0)
        assert pt.load_checkpoint(model, which="best").metrics == {"loss": 1.0}
        assert torch.equal(model.weight, net(1.0).weight)
        assert pt.load_checkpoint(model, epoch=3).epoch == 3
        assert pt.load_checkpoint(model).epoch == 4
        with pytest.raises(NotFoundError, match="epoch_0004"):
            pt.load_checkpoint(model, epoch=0)


def test_several_optimizers_are_kept_as_a_list_or_a_dictionary(workdir: Path) -> None:
    def make() -> Any:
        model = net()
        pair = {name: torch.optim.SGD(model.parameters(), lr=0.1) for name in "ab"}
        return model, pair, [torch.optim.lr_scheduler.StepLR(one, 1) for one in pair.values()]

    model, optimizers, schedulers = make()
    for one in (*optimizers.values(), *schedulers, *schedulers[:1]):
        one.step()
    with nbtrack.start_run():
        pt.log_checkpoint(model, optimizers, schedulers)
        _, others, more = make()
        pt.load_checkpoint(None, others, more)
        rates = [one.param_groups[0]["lr"] for one in others.values()]
        assert rates == pytest.approx([0.001, 0.01])
        with pytest.raises(InvalidParameterError, match="2 objects"):
            pt.load_checkpoint(None, None, more[:1])
        with pytest.raises(InvalidParameterError, match="no state of scaler"):
            pt.load_checkpoint(model, scaler=torch.amp.GradScaler("cpu"))


def test_mlflows_form_makes_a_model_of_the_class(workdir: Path) -> None:
    with nbtrack.start_run() as active:
        pt.log_checkpoint(net(2.0), epoch=1)
    arguments = {"in_features": 4, "out_features": 2}
    found = pt.load_checkpoint(torch.nn.Linear, active.info.run_id, 1, kwargs=arguments)
    assert torch.equal(found.weight, net(2.0).weight)


def test_code_does_not_go_into_a_checkpoint(workdir: Path) -> None:
    with nbtrack.start_run(), pytest.raises(InvalidParameterError, match="data, not code"):
        pt.log_checkpoint(net(), extra={"mine": Mine()})


def test_a_tampered_checkpoint_is_noticed(workdir: Path) -> None:
    with nbtrack.start_run() as active:
        path = pt.log_checkpoint(net(), epoch=1)
        file = Path(active.info.artifact_uri, path)
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.chmod(0o644)
        file.write_bytes(content)
        with pytest.raises(NbtrackError, match="changed after it was saved"):
            pt.load_checkpoint(net())


def test_a_snapshot_is_not_changed_by_later_steps(workdir: Path) -> None:
    model = net()
    before = model.weight.detach().clone()
    with nbtrack.start_run() as active:
        path = pt.log_checkpoint(model, epoch=0, wait=False)
        with torch.no_grad():
            model.weight += 1
    assert Path(active.info.artifact_uri, path).is_file()
    other = net(0)
    pt.load_checkpoint(other, run_id=active.info.run_id)
    assert torch.equal(other.weight, before)


def test_an_error_in_the_background_is_said_once_by_name(workdir: Path) -> None:
    active = nbtrack.start_run()
    Path(active.info.artifact_uri).mkdir(parents=True, exist_ok=True)
    Path(active.info.artifact_uri, "checkpoints").write_text("in the way")
    pt.log_checkpoint(net(), epoch=0, wait=False)
    with pytest.warns(UserWarning, match=r"checkpoints/epoch_0000.*was not saved") as said:
        nbtrack.end_run()
    assert len(said) == 1


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_killed_save_leaves_the_checkpoint_before_it(tmp_path: Path) -> None:
    code = """
        import os, torch, nbtrack, nbtrack.pytorch as pt
        from nbtrack.models.flavors.torch import blocks
        run = nbtrack.start_run()
        pt.log_checkpoint(torch.nn.Linear(4, 4), epoch=0)
        print(run.info.run_id, flush=True)
        model = torch.nn.Linear(4000, 4000)
        first = blocks._write_block
        def stuck(path, offset, *rest):
            first(path, offset, *rest)
            os.write(1, b"writing\\n")  # whole: two threads write blocks
            import time
            time.sleep(60)
        blocks._write_block = stuck
        pt.log_checkpoint(model, epoch=1)
    """
    store = str(tmp_path / "nbtrack.duckdb")
    process = start(code, cwd=tmp_path, NBTRACK_URI=store, PYTHONWARNINGS="ignore")
    assert process.stdout is not None
    run_id = process.stdout.readline().strip()
    assert process.stdout.readline().strip() == "writing"
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    model = torch.nn.Linear(4, 4)
    nbtrack.set_tracking_uri(store)
    try:
        assert [found.epoch for found in pt.list_checkpoints(run_id)] == [0]
        assert pt.load_checkpoint(model, run_id=run_id).epoch == 0
    finally:
        nbtrack.set_tracking_uri(None)
