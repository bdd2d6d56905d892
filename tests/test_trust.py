"""Whose code may run."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbtrack.errors import UntrustedError
from nbtrack.models.consent import check_consent
from nbtrack.models.trust_records import is_remembered, remember

DIGEST = "ab" * 32


def test_ones_own_model_needs_no_consent() -> None:
    check_consent("its source", "model", own=True)


def test_a_foreign_model_needs_trust() -> None:
    with pytest.raises(UntrustedError, match=r"its source.*trust=True") as caught:
        check_consent("its source", "model", own=False)
    assert caught.value.get_http_status_code() == 403
    check_consent("its source", "model", own=False, trust=True)


def test_who_says_no_is_heard_for_ones_own_models_too() -> None:
    with pytest.raises(UntrustedError, match="trust=False"):
        check_consent("a pickle", "model", own=True, trust=False)


def test_the_environment_can_forbid_all_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_MODEL_CODE_EXECUTION", "false")
    with pytest.raises(UntrustedError, match="MLFLOW_ALLOW_MODEL_CODE_EXECUTION"):
        check_consent("a pickle", "model", own=True, trust=True)


def test_what_this_user_has_saved_is_known_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert not is_remembered(DIGEST)
    remember(DIGEST)
    assert is_remembered(DIGEST)
    assert not is_remembered("cd" * 32)


def test_a_home_that_cannot_be_written_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    remember(DIGEST)
    assert not is_remembered(DIGEST)
