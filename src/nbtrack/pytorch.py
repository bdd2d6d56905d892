"""PyTorch models: saved from the notebook, loaded where the notebook is not.

The names are those of ``mlflow.pytorch``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbtrack._names import look_elsewhere
from nbtrack.autologging.pytorch import autolog
from nbtrack.models.flavors.pytorch import (
    _load_pyfunc,
    load_model,
    log_model,
    save_model,
)
from nbtrack.models.flavors.torch.checkpoint_file import Checkpoint
from nbtrack.models.flavors.torch.checkpoints import (
    list_checkpoints,
    load_checkpoint,
    log_checkpoint,
)
from nbtrack.models.flavors.torch.state_dicts import (
    load_state_dict,
    log_state_dict,
    save_state_dict,
)
from nbtrack.models.requirements import default_requirements

if TYPE_CHECKING:
    from nbtrack.autologging.lightning_hooks import MlflowModelCheckpointCallback

look_elsewhere(__name__, MlflowModelCheckpointCallback="nbtrack.autologging.lightning_hooks")
get_default_pip_requirements = default_requirements("torch")
__all__ = [
    "Checkpoint",
    "MlflowModelCheckpointCallback",
    "_load_pyfunc",
    "autolog",
    "get_default_pip_requirements",
    "list_checkpoints",
    "load_checkpoint",
    "load_model",
    "load_state_dict",
    "log_checkpoint",
    "log_model",
    "log_state_dict",
    "save_model",
    "save_state_dict",
]
