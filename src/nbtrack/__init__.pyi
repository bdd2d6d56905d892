# The public names: type checkers read them here, and so does nbtrack itself (see _names.py).
from typing import Any

from nbtrack import artifacts as artifacts
from nbtrack import catboost as catboost
from nbtrack import client as client
from nbtrack import config as config
from nbtrack import data as data
from nbtrack import entities as entities
from nbtrack import exceptions as exceptions
from nbtrack import interop as interop
from nbtrack import keras as keras
from nbtrack import lightgbm as lightgbm
from nbtrack import lightning as lightning
from nbtrack import metrics as metrics
from nbtrack import models as models
from nbtrack import onnx as onnx
from nbtrack import optuna as optuna
from nbtrack import projects as projects
from nbtrack import prophet as prophet
from nbtrack import pyfunc as pyfunc
from nbtrack import pytorch as pytorch
from nbtrack import sentence_transformers as sentence_transformers
from nbtrack import shap as shap
from nbtrack import sklearn as sklearn
from nbtrack import spacy as spacy
from nbtrack import statsmodels as statsmodels
from nbtrack import store as store
from nbtrack import system_metrics as system_metrics
from nbtrack import tensorflow as tensorflow
from nbtrack import tracking as tracking
from nbtrack import transformers as transformers
from nbtrack import types as types
from nbtrack import xgboost as xgboost
from nbtrack.api.capsules import capsule as capsule
from nbtrack.api.capsules import open_capsule as open_capsule
from nbtrack.api.files import get_artifact_uri as get_artifact_uri
from nbtrack.api.files import load_table as load_table
from nbtrack.api.files import log_artifact as log_artifact
from nbtrack.api.files import log_artifacts as log_artifacts
from nbtrack.api.files import log_dict as log_dict
from nbtrack.api.files import log_figure as log_figure
from nbtrack.api.files import log_image as log_image
from nbtrack.api.files import log_stream as log_stream
from nbtrack.api.files import log_table as log_table
from nbtrack.api.files import log_text as log_text
from nbtrack.api.grid import grid as grid
from nbtrack.api.logs import delete_tag as delete_tag
from nbtrack.api.logs import flush_artifact_async_logging as flush_artifact_async_logging
from nbtrack.api.logs import flush_async_logging as flush_async_logging
from nbtrack.api.logs import log_input as log_input
from nbtrack.api.logs import log_inputs as log_inputs
from nbtrack.api.logs import log_metric as log_metric
from nbtrack.api.logs import log_metrics as log_metrics
from nbtrack.api.logs import log_outputs as log_outputs
from nbtrack.api.logs import log_param as log_param
from nbtrack.api.logs import log_params as log_params
from nbtrack.api.logs import set_tag as set_tag
from nbtrack.api.logs import set_tags as set_tags
from nbtrack.api.models import clear_active_model as clear_active_model
from nbtrack.api.models import create_external_model as create_external_model
from nbtrack.api.models import delete_logged_model_tag as delete_logged_model_tag
from nbtrack.api.models import finalize_logged_model as finalize_logged_model
from nbtrack.api.models import get_active_model_id as get_active_model_id
from nbtrack.api.models import get_logged_model as get_logged_model
from nbtrack.api.models import import_checkpoints as import_checkpoints
from nbtrack.api.models import initialize_logged_model as initialize_logged_model
from nbtrack.api.models import last_logged_model as last_logged_model
from nbtrack.api.models import log_model_params as log_model_params
from nbtrack.api.models import search_logged_models as search_logged_models
from nbtrack.api.models import set_active_model as set_active_model
from nbtrack.api.models import set_logged_model_tags as set_logged_model_tags
from nbtrack.api.models import trust as trust
from nbtrack.api.registry import environment_difference as environment_difference
from nbtrack.api.registry import get_registry_uri as get_registry_uri
from nbtrack.api.registry import lineage as lineage
from nbtrack.api.registry import register_model as register_model
from nbtrack.api.registry import search_model_versions as search_model_versions
from nbtrack.api.registry import search_registered_models as search_registered_models
from nbtrack.api.registry import set_model_version_tag as set_model_version_tag
from nbtrack.api.registry import set_registry_uri as set_registry_uri
from nbtrack.api.reruns import rerun as rerun
from nbtrack.api.runs import active_run as active_run
from nbtrack.api.runs import delete_run as delete_run
from nbtrack.api.runs import end_run as end_run
from nbtrack.api.runs import get_parent_run as get_parent_run
from nbtrack.api.runs import get_run as get_run
from nbtrack.api.runs import last_active_run as last_active_run
from nbtrack.api.runs import restore_random_state as restore_random_state
from nbtrack.api.runs import restore_run as restore_run
from nbtrack.api.runs import search_runs as search_runs
from nbtrack.api.runs import source as source
from nbtrack.api.runs import sql as sql
from nbtrack.api.runs import start_run as start_run
from nbtrack.api.stores import create_experiment as create_experiment
from nbtrack.api.stores import delete_experiment as delete_experiment
from nbtrack.api.stores import delete_experiment_tag as delete_experiment_tag
from nbtrack.api.stores import get_experiment as get_experiment
from nbtrack.api.stores import get_experiment_by_name as get_experiment_by_name
from nbtrack.api.stores import get_tracking_uri as get_tracking_uri
from nbtrack.api.stores import is_tracking_uri_set as is_tracking_uri_set
from nbtrack.api.stores import restore_experiment as restore_experiment
from nbtrack.api.stores import search_experiments as search_experiments
from nbtrack.api.stores import set_experiment as set_experiment
from nbtrack.api.stores import set_experiment_tag as set_experiment_tag
from nbtrack.api.stores import set_experiment_tags as set_experiment_tags
from nbtrack.api.stores import set_tracking_uri as set_tracking_uri
from nbtrack.api.views import chart as chart
from nbtrack.api.views import compare as compare
from nbtrack.api.views import export_html as export_html
from nbtrack.api.views import param_importance as param_importance
from nbtrack.api.views import plot as plot
from nbtrack.api.views import runs as runs
from nbtrack.as_mlflow import install_as_mlflow as install_as_mlflow
from nbtrack.as_mlflow import uninstall_as_mlflow as uninstall_as_mlflow
from nbtrack.autologging.switches import autolog as autolog
from nbtrack.client import Client as Client
from nbtrack.client import MlflowClient as MlflowClient
from nbtrack.errors import NbtrackError as NbtrackError
from nbtrack.exceptions import MlflowException as MlflowException
from nbtrack.health.examination import doctor as doctor
from nbtrack.models.evaluation.base import evaluate as evaluate
from nbtrack.models.evaluation.validation import (
    validate_evaluation_results as validate_evaluation_results,
)
from nbtrack.projects.launch import run as run
from nbtrack.system_metrics import disable_system_metrics_logging as disable_system_metrics_logging
from nbtrack.system_metrics import enable_system_metrics_logging as enable_system_metrics_logging
from nbtrack.system_metrics import set_system_metrics_node_id as set_system_metrics_node_id
from nbtrack.system_metrics import (
    set_system_metrics_samples_before_logging as set_system_metrics_samples_before_logging,
)
from nbtrack.system_metrics import (
    set_system_metrics_sampling_interval as set_system_metrics_sampling_interval,
)
from nbtrack.tracking.active_model import ActiveModel as ActiveModel
from nbtrack.tracking.background import RunOperations as RunOperations
from nbtrack.tracking.images import Image as Image
from nbtrack.tracking.opened_files import record_files as record_files
from nbtrack.tracking.run import ActiveRun as ActiveRun

__version__: str

def load_ipython_extension(shell: Any) -> None:
    """Register the magics: ``%load_ext nbtrack``."""
