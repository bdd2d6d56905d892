from nbtrack.models.edits import get_model_info as get_model_info
from nbtrack.models.edits import set_signature as set_signature
from nbtrack.models.edits import update_model_requirements as update_model_requirements
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
