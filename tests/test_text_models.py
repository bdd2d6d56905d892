"""Models of texts whose files name code: pipelines of spaCy and Sentence Transformers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import nbtrack
from model_folders import stranger
from nbtrack.errors import InvalidParameterError, UntrustedError
from nbtrack.models.flavors.spacy import Predictor
from nbtrack.models.loading import UnreadableModelError
from small_models import TEXTS, sentence_model, text_pipeline

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("workdir")]
FRAME = pd.DataFrame({"text": TEXTS})


# -- spaCy ------------------------------------------------------------------------------


def test_a_pipeline_of_spacy_comes_back_and_tells_categories() -> None:
    pytest.importorskip("spacy")
    pipeline = text_pipeline()
    info = nbtrack.spacy.log_model(pipeline, name="m", input_example=FRAME)
    assert info.verified == "outputs"
    wanted = pipeline(TEXTS[0]).cats
    assert nbtrack.spacy.load_model(info.model_uri)(TEXTS[0]).cats == wanted
    model = nbtrack.pyfunc.load_model(info.model_uri)
    assert model.predict(FRAME)["predictions"][0] == wanted
    sent = json.dumps({"dataframe_split": FRAME.to_dict(orient="split")})
    answered = nbtrack.models.validate_serving_input(info.model_uri, sent)
    assert set(answered["predictions"][0]) == {"A", "B"}
    with pytest.raises(InvalidParameterError, match="one column of texts"):
        Predictor(pipeline).predict(FRAME.assign(other=1))


def test_a_pipeline_without_categories_is_loaded_as_a_pipeline_only() -> None:
    spacy = pytest.importorskip("spacy")
    nbtrack.spacy.save_model(spacy.blank("de"), "m")
    assert nbtrack.spacy.load_model("m").lang == "de"
    assert list(nbtrack.models.Model.load("m").flavors) == ["spacy"]


def test_components_of_the_notebook_are_kept_by_their_names() -> None:
    spacy = pytest.importorskip("spacy")

    @spacy.Language.component("shout_of_this_test")
    def shout(doc: Any) -> Any:
        return doc

    pipeline = spacy.blank("en")
    pipeline.add_pipe("shout_of_this_test")
    with pytest.warns(UserWarning, match="components shout_of_this_test are your own"):
        nbtrack.spacy.save_model(pipeline, "m")
    assert nbtrack.spacy.load_model("m").pipe_names == ["shout_of_this_test"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("before_creation = null", 'before_creation = {"@callbacks":"evil"}'),
        ('factory = "textcat"', 'factory = "evil"'),
        ('factory = "textcat"', 'source = "/somewhere"'),
        ('"spacy.Tokenizer.v1"', '"spacy.no_such_tokenizer"'),
        ('@tokenizers = "spacy.Tokenizer.v1"', '@readers = "srsly.read_json.v1"\npath = "x"'),
        ('"spacy.TextCatBOW.v3"', '"PyTorchWrapper.v3"'),
        ('"spacy.textcat_scorer.v2"', '"spacy.no_such_scorer"'),
        ('lang = "en"', 'lang = "evil.module"'),
        ("threshold = 0.0", "threshold = ${training.optimizer}"),
    ],
)
def test_a_stranger_s_pipeline_names_no_code_unasked(
    old: str, new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("spacy")
    nbtrack.spacy.save_model(text_pipeline(), "m")
    stranger(monkeypatch)
    config = Path("m/model.spacy/config.cfg")
    text = config.read_text()
    assert old in text
    config.write_text(text.replace(old, new))
    nowhere = "no_such" in new  # nothing could run: nobody is asked
    with pytest.raises(UnreadableModelError if nowhere else UntrustedError):
        nbtrack.spacy.load_model("m")


def test_a_stranger_s_pipeline_of_spacy_s_own_parts_needs_no_consent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("spacy")
    nbtrack.spacy.save_model(text_pipeline(), "m")
    stranger(monkeypatch)
    assert nbtrack.pyfunc.load_model("m").predict(FRAME).shape == (2, 1)


# -- Sentence Transformers --------------------------------------------------------------


@pytest.fixture
def sentences(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    pytest.importorskip("sentence_transformers")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return sentence_model(workdir)


def test_a_model_of_sentence_transformers_comes_back(sentences: Any) -> None:
    wanted = sentences.encode(TEXTS)
    with nbtrack.start_run() as run:
        info = nbtrack.sentence_transformers.log_model(
            sentences, name="m", input_example=TEXTS, inference_config={"batch_size": 1}
        )
    assert info.verified == "outputs"
    assert nbtrack.get_run(run.info.run_id).data.params == {"batch_size": "1"}
    loaded = nbtrack.sentence_transformers.load_model(info.model_uri, device="cpu")
    assert np.allclose(loaded.encode(TEXTS), wanted, atol=1e-6)
    model = nbtrack.pyfunc.load_model(info.model_uri, model_config={"device": "cpu"})
    assert np.allclose(model.predict(TEXTS), wanted, atol=1e-6)
    assert np.allclose(model.predict(FRAME.iloc[:, 0].tolist()), wanted, atol=1e-6)
    files = {path.suffix for path in Path(info.artifact_path or ".").rglob("*")}
    assert ".safetensors" in files
    assert not files & {".bin", ".pt", ".pkl"}


def test_embeddings_have_a_signature_without_an_example(sentences: Any) -> None:
    signature = nbtrack.sentence_transformers.save_model(sentences, "m").signature
    assert signature is not None
    assert "Tensor('float32', (-1, 8))" in repr(signature)
    answered = nbtrack.models.validate_serving_input("m", json.dumps({"inputs": TEXTS}))
    assert np.allclose(answered, sentences.encode(TEXTS), atol=1e-6)
    with pytest.warns(UserWarning, match="task= has no effect"):
        nbtrack.sentence_transformers.save_model(sentences, "n", task="llm/v1/embeddings")


def test_modules_of_the_notebook_are_for_pytorch(sentences: Any) -> None:
    torch = pytest.importorskip("torch")

    class Own(torch.nn.Module):
        pass

    sentences.append(Own())
    with pytest.raises(InvalidParameterError, match=r"Own is a class of your own"):
        nbtrack.sentence_transformers.save_model(sentences, "m")


def test_a_stranger_s_sentence_model_names_no_code_unasked(
    sentences: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbtrack.sentence_transformers.save_model(sentences, "m")
    stranger(monkeypatch)
    assert nbtrack.pyfunc.load_model("m").predict(TEXTS).shape == (2, 8)
    folder = Path("m/model.sentence_transformer")
    evil = {
        "modules.json": [{"idx": 0, "name": "0", "path": "", "type": "os.system"}],
        "sentence_bert_config.json": {"model_args": {"attn_implementation": "a/b"}},
        "config.json": {"auto_map": {"AutoModel": "evil.Model"}},
        "1_Pooling/config.json": {"activation_function": "torch.hub.load"},
        "adapter_config.json": {"base_model_name_or_path": "/elsewhere"},
        "pytorch_model.bin": 1,
    }
    outside = [
        {"idx": 0, "name": "0", "path": "../..", "type": "sentence_transformers.models.Dense"}
    ]
    for name, content in [*evil.items(), ("modules.json", outside)]:
        file = folder / name
        before = file.read_text() if file.exists() else None
        file.write_text(json.dumps(content))
        with pytest.raises(UntrustedError):
            nbtrack.sentence_transformers.load_model("m")
        if before is None:
            file.unlink()
        else:
            file.write_text(before)
    (folder / "modules.json").write_text("[5]")
    with pytest.raises(UnreadableModelError):
        nbtrack.sentence_transformers.load_model("m")
