"""Measure saving and loading a PyTorch model against the bytes alone, PyTorch and MLflow.

Usage::

    python benchmarks/models.py [--gigabytes 1] [--device cuda] [--dtype bfloat16] [--rounds 3]

Every save and every load is a process of its own, in turn; the page cache is warm. Writes
``benchmarks/models.md``. Needs the extras ``torch`` and ``models``; MLflow is left out if it is
not installed.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SRC = HERE.parent / "src"
WIDTH = 4096
WAYS = {
    "raw": "the bytes alone",
    "hashed": "the bytes and their SHA-256, one after the other",
    "nbtrack": "nbtrack",
    "safetensors": "safetensors, state dict",
    "torch": "torch.save, torch.load",
    "mlflow_pt2": "mlflow, pt2",
    "mlflow_pickle": "mlflow, pickle",
}
PAGE = """\
# Saving and loading a model

Written by `python benchmarks/models.py`: medians of {rounds} rounds in turn, each in a process of
its own; a stack of linear layers of {size:.2f} GB ({dtype}) on {device}; {machine}.
Versions: {versions}.
In brackets: how many times as long as the bytes with their SHA-256.

| way | save | load | both | memory added by saving | by loading |{gpu_title}
|---|---|---|---|---|---|{gpu_line}
{table}

- Loading reads into fresh memory, every page of it; safetensors maps the file instead, and its
  pages are read when they are touched.
- nbtrack writes a whole model folder into its store, records the SHA-256 of every file, and
  compares the weights with theirs while it loads. No other way checks what it loads.
{stall}
"""


def build(asked: argparse.Namespace) -> Any:
    """Return the model: as many square layers as make up the size."""
    import torch

    dtype = getattr(torch, asked.dtype)
    count = max(1, round(asked.gigabytes * 1e9 / (WIDTH * WIDTH * dtype.itemsize)))
    layers = []
    for seed in range(count):
        layer = torch.nn.Linear(WIDTH, WIDTH, bias=False, device="meta", dtype=dtype)
        layer = layer.to_empty(device=asked.device)
        with torch.no_grad():
            layer.weight.fill_(0).view(-1)[seed::17] = 0.01
        layers.append(layer)
    return torch.nn.Sequential(*layers)


def pieces(model: Any) -> list[memoryview]:
    """Return the memory of every weight, on the processor."""
    import torch

    flat = [p.detach().cpu().reshape(-1).view(torch.uint8).numpy() for p in model.parameters()]
    return [memoryview(part) for part in flat]


def save_raw(model: Any, folder: Path, asked: argparse.Namespace, hashed: bool = False) -> None:
    """Write the bytes of the weights."""
    digest = hashlib.sha256()
    with (folder / "bytes").open("wb", buffering=0) as file:
        for piece in pieces(model):
            file.write(piece)
            if hashed:
                digest.update(piece)


def load_raw(folder: Path, asked: argparse.Namespace, hashed: bool = False) -> Any:
    """Read the bytes into fresh memory, and move them to the device."""
    import torch

    digest = hashlib.sha256()
    found = []
    size = WIDTH * WIDTH * getattr(torch, asked.dtype).itemsize
    with (folder / "bytes").open("rb", buffering=0) as file:
        for _ in range((folder / "bytes").stat().st_size // size):
            tensor = torch.empty(size, dtype=torch.uint8)
            rest = memoryview(tensor.numpy())
            while rest:
                rest = rest[file.readinto(rest) :]
            if hashed:
                digest.update(memoryview(tensor.numpy()))
            found.append(tensor.to(asked.device))
    return torch.nn.ParameterList([torch.nn.Parameter(t, requires_grad=False) for t in found])


def save_nbtrack(model: Any, folder: Path, asked: argparse.Namespace) -> None:
    """Log the model."""
    import nbtrack

    nbtrack.set_tracking_uri(folder / "nbtrack.duckdb")
    info = nbtrack.pytorch.log_model(model, name="model")
    (folder / "uri").write_text(info.model_uri)


def load_nbtrack(folder: Path, asked: argparse.Namespace) -> Any:
    """Load the logged model."""
    import nbtrack

    nbtrack.set_tracking_uri(folder / "nbtrack.duckdb")
    return nbtrack.pytorch.load_model((folder / "uri").read_text(), device=asked.device)


def save_safetensors(model: Any, folder: Path, asked: argparse.Namespace) -> None:
    """Write the state dict with the package safetensors."""
    from safetensors.torch import save_file

    save_file(model.state_dict(), folder / "model.safetensors")


def load_safetensors(folder: Path, asked: argparse.Namespace) -> Any:
    """Load the state dict with the package safetensors."""
    import torch
    from safetensors.torch import load_file

    state = load_file(folder / "model.safetensors", device=asked.device)
    values = [torch.nn.Parameter(value, requires_grad=False) for value in state.values()]
    return torch.nn.ParameterList(values)


def save_torch(model: Any, folder: Path, asked: argparse.Namespace) -> None:
    """Pickle the model."""
    import torch

    torch.save(model, folder / "model.pth")


def load_torch(folder: Path, asked: argparse.Namespace) -> Any:
    """Load the pickle."""
    import torch

    return torch.load(folder / "model.pth", weights_only=False, map_location=asked.device)


def save_mlflow(model: Any, folder: Path, asked: argparse.Namespace, kind: str) -> None:
    """Save the model in one of MLflow's formats."""
    import mlflow
    import torch

    example = torch.ones(2, WIDTH, dtype=getattr(torch, asked.dtype), device=asked.device)
    options: dict[str, Any] = {"pip_requirements": ["torch"], "serialization_format": kind}
    if kind == "pt2":
        schema = mlflow.types.TensorSpec(__import__("numpy").dtype("float32"), (-1, WIDTH))
        inputs = mlflow.types.Schema([schema])
        options |= {"input_example": (example,)}
        options |= {"signature": mlflow.models.ModelSignature(inputs=inputs)}
    mlflow.pytorch.save_model(model, folder / "model", **options)


def load_mlflow(folder: Path, asked: argparse.Namespace, kind: str) -> Any:
    """Load the model with MLflow."""
    import mlflow

    options = {"weights_only": False, "map_location": asked.device} if kind == "pickle" else {}
    return mlflow.pytorch.load_model(str(folder / "model"), **options)


SAVES: dict[str, Callable[..., None]] = {
    "raw": save_raw,
    "hashed": lambda *given: save_raw(*given, hashed=True),
    "nbtrack": save_nbtrack,
    "safetensors": save_safetensors,
    "torch": save_torch,
    "mlflow_pt2": lambda *given: save_mlflow(*given, "pt2"),
    "mlflow_pickle": lambda *given: save_mlflow(*given, "pickle"),
}
LOADS: dict[str, Callable[..., Any]] = {
    "raw": load_raw,
    "hashed": lambda *given: load_raw(*given, hashed=True),
    "nbtrack": load_nbtrack,
    "safetensors": load_safetensors,
    "torch": load_torch,
    "mlflow_pt2": lambda *given: load_mlflow(*given, "pt2"),
    "mlflow_pickle": lambda *given: load_mlflow(*given, "pickle"),
}


def warm_up(way: str) -> None:
    """Import what a way needs, so that only its work is measured."""
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    if way == "nbtrack":
        import nbtrack

        with tempfile.TemporaryDirectory() as folder:
            nbtrack.set_tracking_uri(Path(folder) / "nbtrack.duckdb")
            info = nbtrack.pytorch.log_model(torch.nn.Linear(2, 2), name="small")
            nbtrack.pytorch.load_model(info.model_uri)
    elif way == "safetensors":
        import safetensors.torch  # noqa: F401
    elif way.startswith("mlflow"):
        import mlflow

        with tempfile.TemporaryDirectory() as folder:
            small = argparse.Namespace(dtype="float32", device="cpu")
            layer = torch.nn.Linear(WIDTH, 1)
            save_mlflow(layer, Path(folder), small, way.removeprefix("mlflow_"))
            mlflow.pytorch.load_model(str(Path(folder) / "model"))


def measure(way: str, verb: str, folder: Path, asked: argparse.Namespace) -> dict[str, float]:
    """Save or load once in this process; seconds, and the bytes that memory grew by."""
    import torch

    cuda = asked.device.startswith("cuda")
    warm_up(way)
    model = build(asked) if verb == "save" else None
    if cuda:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    on_gpu = torch.cuda.memory_allocated() if cuda else 0
    # the peak so far is that of the memory in use: nothing larger was freed
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    if verb == "save":
        SAVES[way](model, folder, asked)
    else:
        model = LOADS[way](folder, asked)
        for parameter in model.parameters():
            parameter.detach().reshape(-1)[::1024].sum()
    if cuda:
        torch.cuda.synchronize()
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    found = {"seconds": seconds, "memory": peak * 1024}
    if cuda:
        found["gpu"] = torch.cuda.max_memory_allocated() - on_gpu
    return found


def stall(folder: Path, asked: argparse.Namespace) -> dict[str, float]:
    """Train with and without a save in the background; return the longest steps in seconds."""
    import torch

    import nbtrack

    warm_up("nbtrack")
    nbtrack.set_tracking_uri(folder / "nbtrack.duckdb")
    model = build(asked)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
    x = torch.ones(8, WIDTH, dtype=getattr(torch, asked.dtype), device=asked.device)

    def steps(count: int, save_at: int) -> list[float]:
        times = []
        for number in range(count):
            start = time.perf_counter()
            model(x).float().sum().backward()
            optimizer.step()
            optimizer.zero_grad()
            if number == save_at:
                nbtrack.pytorch.log_model(model, name="model", wait=False)
            if asked.device.startswith("cuda"):
                torch.cuda.synchronize()
            times.append(time.perf_counter() - start)
        return times

    with nbtrack.start_run():
        plain = steps(6, -1)[1:]
        call = time.perf_counter()
        steps(1, 0)
        first = time.perf_counter() - call - statistics.median(plain)
        during = steps(4, -1)
    return {"step": statistics.median(plain), "call": first, "during": statistics.median(during)}


def run(*arguments: object) -> dict[str, float]:
    """Run this file as a process of its own and return what it measured."""
    command = [sys.executable, str(Path(__file__).resolve()), *map(str, arguments)]
    env = {**os.environ, "PYTHONPATH": str(SRC), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def table(results: dict[str, dict[str, dict[str, float]]], gpu: bool) -> str:
    """Return the rows of the table."""
    base = {verb: results["hashed"][verb]["seconds"] for verb in ("save", "load")}
    rows = []
    for way, measured in results.items():
        save, load = measured["save"]["seconds"], measured["load"]["seconds"]
        cells = [WAYS[way]]
        for value, other in (
            (save, base["save"]),
            (load, base["load"]),
            (save + load, sum(base.values())),
        ):
            cells.append(f"{value:.2f} s ({value / other:.2f}×)")
        cells += [f"{measured[verb]['memory'] / 1e6:,.0f} MB" for verb in ("save", "load")]
        if gpu:
            cells += [f"{measured[verb]['gpu'] / 1e6:,.0f} MB" for verb in ("save", "load")]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def main() -> None:
    """Measure every way in turn and write the page; or do one part of it, as a process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="*")
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", help="where to write; by default the temporary folder")
    asked = parser.parse_args()
    if asked.part:
        what, *rest = asked.part
        found = stall(Path(rest[0]), asked) if what == "stall" else None
        print(json.dumps(found or measure(what, rest[0], Path(rest[1]), asked)))
        return
    import torch

    options = ["--gigabytes", asked.gigabytes, "--device", asked.device, "--dtype", asked.dtype]
    known = importlib.util.find_spec("mlflow") is not None
    ways = [way for way in WAYS if known or not way.startswith("mlflow")]
    seen: dict[str, dict[str, list[dict[str, float]]]] = {
        way: {"save": [], "load": []} for way in ways
    }
    with tempfile.TemporaryDirectory(dir=asked.folder) as parent:
        for number in range(asked.rounds):
            for way in ways:
                with tempfile.TemporaryDirectory(dir=parent) as folder:
                    for verb in ("save", "load"):
                        found = run(way, verb, folder, *options)
                        seen[way][verb].append(found)
                        print(number, way, verb, f"{found['seconds']:.2f} s", flush=True)
        with tempfile.TemporaryDirectory(dir=parent) as folder:
            stalled = run("stall", folder, *options)
    results = {
        way: {
            verb: {key: statistics.median(one[key] for one in many) for key in many[0]}
            for verb, many in verbs.items()
        }
        for way, verbs in seen.items()
    }
    gpu = asked.device.startswith("cuda")
    name = torch.cuda.get_device_name(0) if gpu else "the processor"
    packages = ["torch", "safetensors", *(["mlflow"] if known else [])]
    from importlib.metadata import version

    text = PAGE.format(
        rounds=asked.rounds,
        size=asked.gigabytes,
        dtype=asked.dtype,
        device=name,
        machine=f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}",
        versions="nbtrack this tree, " + ", ".join(f"{name} {version(name)}" for name in packages),
        gpu_title=" memory of the GPU added by saving | by loading |" if gpu else "",
        gpu_line="---|---|" if gpu else "",
        table=table(results, gpu),
        stall=(
            f"- `wait=False` in a training loop: the call takes {stalled['call'] * 1e3:,.0f} ms; a "
            f"step takes {stalled['step'] * 1e3:,.0f} ms, while the model is written in the "
            f"background {stalled['during'] * 1e3:,.0f} ms."
        ),
    )
    (HERE / "models.md").write_text(text, "utf-8")
    print(text)


if __name__ == "__main__":
    main()
