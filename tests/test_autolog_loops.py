"""PyTorch loops without a log call: what is logged is what the code has seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  as everybody does
from torch.utils.data import DataLoader

import loops
import nbtrack
from loops import LOOPS, Net, Result, classifier, data
from nbtrack.autologging.training import muted
from nbtrack.errors import NbtrackWarning


@pytest.fixture(autouse=True)
def _off(workdir: Path) -> Iterator[None]:
    yield
    nbtrack.pytorch.autolog(disable=True)


def curve(run: Any, key: str) -> list[float]:
    return [value for _, value in points(run, key)]


def points(run: Any, key: str) -> list[tuple[int, float]]:
    found = nbtrack.MlflowClient().get_metric_history(run.info.run_id, key)
    return [(point.step, point.value) for point in found]


def logged(loop: Callable[[], Result], **options: Any) -> tuple[Any, Result]:
    nbtrack.pytorch.autolog(**options)
    torch.manual_seed(0)
    with nbtrack.start_run() as run:
        result = loop()
    nbtrack.pytorch.autolog(disable=True)
    return run, result


@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.__name__)
def test_what_is_logged_is_what_the_code_has_seen(loop: Callable[[], Result]) -> None:
    torch.manual_seed(0)
    seen, weights = loop()
    state = torch.get_rng_state()
    run, (again, others) = logged(loop, log_grad_norm=True, log_training_accuracy=True)
    assert again == seen
    assert all(torch.equal(one, other) for one, other in zip(weights, others, strict=True))
    assert torch.equal(torch.get_rng_state(), state)
    for key, values in seen.items():
        assert curve(run, key) == pytest.approx(values, rel=1e-6), key
    also = {"lr", "grad_norm", "epoch", "examples_per_second", "train_accuracy"}
    found = {key for key in run.data.metrics if key.rpartition("/")[2] not in also}
    assert found - {"test_accuracy"} == seen.keys()


@pytest.mark.parametrize("loop", [classifier, loops.accumulation, loops.gan, loops.two_losses])
def test_values_that_stay_tensors_give_the_same(
    loop: Callable[[], Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those on a GPU do."""
    monkeypatch.setattr("nbtrack.autologging.loops.losses.kept", lambda each: each.detach().clone())
    run, (seen, _) = logged(loop)
    for key, values in seen.items():
        assert curve(run, key) == pytest.approx(values, rel=1e-5), key


def test_facts_about_the_training_are_params() -> None:
    run, _ = logged(classifier)
    params = run.data.params
    assert params["model"] == "Net"
    assert params["optimizer_name"] == "SGD"
    assert params["scheduler"] == "StepLR"
    assert (params["lr"], params["momentum"]) == ("0.1", "0.9")
    assert (params["batch_size"], params["train_examples"]) == ("8", "36")
    assert (params["device"], params["precision"]) == ("cpu", "float32")
    assert params["num_parameters"] == str(6 * 8 + 8 + 8 * 3 + 3)
    assert params["loss"] == "cross_entropy"


def test_steps_count_updates_and_evaluations_stand_at_their_last_one() -> None:
    run, _ = logged(classifier)
    assert [step for step, _ in points(run, "train_loss")] == list(range(1, 16))
    assert points(run, "epoch") == [(5, 1.0), (10, 2.0), (15, 3.0)]
    assert [step for step, _ in points(run, "val_loss")] == [5, 10, 15]
    assert points(run, "lr") == [(1, 0.1), (10, 0.1), (11, 0.05), (15, 0.05)]
    assert len(points(run, "examples_per_second")) == 3


def test_other_facts_of_other_loops() -> None:
    run, _ = logged(loops.accumulation)
    assert run.data.params["gradient_accumulation_steps"] == "4"
    run, _ = logged(loops.mixed_precision)
    assert run.data.params["precision"] == "bfloat16 autocast"
    run, _ = logged(loops.gan)
    assert run.data.params["net_g.lr"] == "0.002"
    assert run.data.metrics["net_d/lr"] == 0.001
    run, _ = logged(loops.encoder_and_decoder)
    assert run.data.metrics["encoder/lr"] == 0.1
    assert run.data.params["decoder.lr"] == "0.2"


def test_what_the_user_logs_wins() -> None:
    def loop() -> Result:
        nbtrack.log_param("batch_size", "mine")
        (x, y), net = data()[:], Net()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for step in range(3):
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            nbtrack.log_metric(f"train_{'loss'}", 100 + step, step=step)
        nbtrack.log_param("lr", "mine too")
        return {}, []

    run, _ = logged(loop)
    assert points(run, "train_loss") == [(0, 100.0), (1, 101.0), (2, 102.0)]
    assert run.data.params["batch_size"] == "mine"
    assert run.data.params["lr"] == "mine too"
    assert run.data.params["model"] == "Net"


def test_what_the_user_logs_at_the_end_of_each_epoch_is_not_mixed_with_ours() -> None:
    def loop() -> Result:
        net = Net()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for epoch in range(2):
            for x, y in DataLoader(data(), batch_size=8):
                F.cross_entropy(net(x), y).backward()
                optimizer.step()
            nbtrack.log_metrics({"train_loss": 7.0}, step=epoch)
        return {}, []

    run, _ = logged(loop)
    assert points(run, "train_loss") == [(0, 7.0), (1, 7.0)]


def test_several_trainings_in_one_run_have_names_of_their_own() -> None:
    def loop() -> Result:
        for _ in range(2):
            loops.own_formula_of_a_net()
        return {}, []

    run, _ = logged(loop)
    assert {"train_loss", "net/train_loss"} <= run.data.metrics.keys()
    assert run.data.params["net.optimizer_name"] == "SGD"


def test_a_run_that_goes_on_goes_on_with_its_steps() -> None:
    run, _ = logged(loops.own_formula_of_a_net)
    nbtrack.pytorch.autolog()
    with nbtrack.start_run(run.info.run_id):
        loops.own_formula_of_a_net()
    assert [step for step, _ in points(run, "train_loss")] == [1, 2, 3, 4]


def test_a_net_that_is_evaluated_alone_is_logged() -> None:
    def loop() -> Result:
        loops.evaluate(Net(), DataLoader(data(), batch_size=8))
        test_loader = DataLoader(data(), batch_size=8)
        loops.evaluate(Net(), test_loader)
        return {}, []

    run, _ = logged(loop)
    assert run.data.metrics.keys() == {"val_loss", "val_accuracy", "test_loss", "test_accuracy"}


def test_tokens_that_are_ignored_count_neither_as_right_nor_as_wrong() -> None:
    def loop() -> Result:
        y = torch.tensor([0, 1, 2, -100, -100])
        with torch.no_grad():
            F.cross_entropy(torch.eye(5, 3)[[0, 1, 1, 0, 0]], y)
        return {}, []

    run, _ = logged(loop)
    assert run.data.metrics["val_accuracy"] == pytest.approx(2 / 3)


def test_without_a_run_what_is_missing_is_said_once() -> None:
    nbtrack.pytorch.autolog()
    with pytest.warns(NbtrackWarning, match="put it into `with nbtrack.start_run"):
        loops.own_formula_of_a_net()
    loops.own_formula_of_a_net()
    assert nbtrack.search_runs(output_format="list") == []


def test_inside_of_what_logs_itself_nothing_is_logged_twice() -> None:
    def loop() -> Result:
        with muted():
            return classifier()

    run, _ = logged(loop)
    assert run.data.metrics == {}
    run, _ = logged(classifier, exclusive=True)
    assert run.data.metrics == {}


def test_the_model_is_logged_where_it_is_asked_for() -> None:
    run, (_, weights) = logged(loops.own_formula_of_a_net, log_models=True)
    loaded = nbtrack.pytorch.load_model(f"runs:/{run.info.run_id}/model")
    assert all(map(torch.equal, weights, loaded.parameters()))
    logged(loops.own_formula_of_a_net)
    assert len(nbtrack.search_logged_models(output_format="list")) == 1
