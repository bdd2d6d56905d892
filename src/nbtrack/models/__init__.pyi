from nbtrack.models import evaluation as evaluation
from nbtrack.models.edits import get_model_info as get_model_info
from nbtrack.models.edits import set_signature as set_signature
from nbtrack.models.edits import update_model_requirements as update_model_requirements
from nbtrack.models.evaluation.artifacts import EvaluationArtifact as EvaluationArtifact
from nbtrack.models.evaluation.base import evaluate as evaluate
from nbtrack.models.evaluation.evaluators import list_evaluators as list_evaluators
from nbtrack.models.evaluation.metric import EvaluationMetric as EvaluationMetric
from nbtrack.models.evaluation.metric import make_metric as make_metric
from nbtrack.models.evaluation.result import EvaluationResult as EvaluationResult
from nbtrack.models.evaluation.validation import MetricThreshold as MetricThreshold
from nbtrack.models.flavor import Flavor as Flavor
from nbtrack.models.info import ModelInfo as ModelInfo
from nbtrack.models.input_example import ModelInputExample as ModelInputExample
from nbtrack.models.model import Model as Model
from nbtrack.models.model_code import ModelConfig as ModelConfig
from nbtrack.models.model_code import set_model as set_model
from nbtrack.models.prediction import (
    convert_input_example_to_serving_input as convert_input_example_to_serving_input,
)
from nbtrack.models.prediction import predict as predict
from nbtrack.models.prediction import validate_serving_input as validate_serving_input
from nbtrack.models.serving import serve as serve
from nbtrack.models.signature import ModelSignature as ModelSignature
from nbtrack.models.signature import infer_signature as infer_signature
