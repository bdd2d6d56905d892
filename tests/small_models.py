"""Small models of every framework, the same ones for the programs of both trackers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROWS = np.linspace(-1, 1, 12, dtype="float32").reshape(3, 4)
FRAME = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [3, 1, 2, 0]})
LABELS = [0, 0, 1, 1]
TEXTS = ["the cat sat", "a dog ran"]
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "a", "cat", "dog", "sat", "ran"]


def classifier() -> Any:
    """A fitted model of scikit-learn."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression()).fit(FRAME, LABELS)


def trees() -> Any:
    """A fitted classifier of XGBoost."""
    import xgboost

    return xgboost.XGBClassifier(n_estimators=2, nthread=1).fit(FRAME, LABELS)


def network() -> Any:
    """A model of Keras that has not been trained."""
    import keras

    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(2)])


def tokenizer(folder: Path) -> Any:
    """A tokenizer that knows eleven words."""
    from transformers import BertTokenizerFast

    (folder / "vocab.txt").write_text("\n".join(WORDS))
    return BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=16)


def language_model(kind: str = "BertForSequenceClassification") -> Any:
    """A model of transformers that has not been trained."""
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=16,
    )
    return getattr(transformers, kind)(config).eval()


def text_classifier(folder: Path) -> Any:
    """A pipeline of transformers."""
    import transformers

    return transformers.pipeline(
        "text-classification", model=language_model(), tokenizer=tokenizer(folder)
    )


def boosted_trees(kind: str = "LGBMClassifier") -> Any:
    """A fitted model of LightGBM: an estimator, or a Booster."""
    import lightgbm

    frame, labels = FRAME.iloc[[0, 1, 2, 3] * 5], LABELS * 5
    params = {"verbose": -1, "num_threads": 1, "min_data_in_leaf": 2}
    if kind == "Booster":
        data = lightgbm.Dataset(frame, labels)
        return lightgbm.train({**params, "objective": "binary"}, data, 2)
    return getattr(lightgbm, kind)(n_estimators=2, **params).fit(frame, labels)


def ordered_trees(kind: str = "CatBoostClassifier") -> Any:
    """A fitted model of CatBoost."""
    import catboost

    quiet = {"verbose": False, "allow_writing_files": False, "thread_count": 1}
    return getattr(catboost, kind)(iterations=2, depth=2, **quiet).fit(FRAME, LABELS)


def regression() -> Any:
    """The results of a linear regression of statsmodels."""
    from statsmodels.regression.linear_model import OLS

    return OLS([0.0, 1.0, 3.0, 3.5], FRAME).fit()


def forecast() -> Any:
    """A fitted model of Prophet, without seasons."""
    from prophet import Prophet

    days = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=8), "y": np.arange(8.0) % 3})
    seasons = dict.fromkeys(
        ["yearly_seasonality", "weekly_seasonality", "daily_seasonality"], False
    )
    return Prophet(n_changepoints=1, uncertainty_samples=2, **seasons).fit(days)


DAYS = pd.DataFrame({"ds": pd.date_range("2024-01-05", periods=3)})


def network_of_onnx(weights: int = 2) -> Any:
    """A model of ONNX that multiplies four columns by a matrix."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    matrix = np.arange(4.0 * weights, dtype="float32").reshape(4, weights)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", weights])],
        [numpy_helper.from_array(matrix, "w")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(made)
    return made


def sentence_model(folder: Path) -> Any:
    """A model of Sentence Transformers that has not been trained."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Normalize, Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    place = folder / "bert"
    place.mkdir()
    language_model("BertModel").save_pretrained(place)
    tokenizer(place).save_pretrained(place)
    parts = [Transformer(str(place)), Pooling(8), Normalize()]
    return SentenceTransformer(modules=parts, device="cpu")


def text_pipeline() -> Any:
    """A pipeline of spaCy that has not been trained and tells two categories."""
    import spacy

    bag = {"@architectures": "spacy.TextCatBOW.v3", "exclusive_classes": True}
    sizes = {"ngram_size": 1, "length": 64, "no_output_layer": False}
    pipeline = spacy.blank("en")
    categories = pipeline.add_pipe("textcat", config={"model": {**bag, **sizes}})
    for label in ("A", "B"):
        categories.add_label(label)
    pipeline.initialize()
    return pipeline
