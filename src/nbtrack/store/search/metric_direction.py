"""Whether a metric is to be minimized or maximized, guessed from its name."""

from __future__ import annotations

import re
from typing import Literal

Direction = Literal["min", "max"]

_SMALLER = frozenset({
    "loss", "losses", "error", "errors", "err", "mae", "mse", "rmse", "rmsle", "msle", "mape",
    "smape", "mase", "perplexity", "ppl", "nll", "bce", "ce", "xent", "entropy", "kl", "kld",
    "divergence", "deviance", "brier", "ece", "fid", "kid", "lpips", "wer", "cer", "ter", "mer",
    "eer", "fpr", "fnr", "distance", "regret", "residual", "residuals", "cost", "latency",
    "duration", "bpc", "bpb", "bpd", "misclassification", "hinge", "mad", "medae", "rss", "sse",
    "mpe",
})  # fmt: skip
_LARGER = frozenset({
    "acc", "accuracy", "auc", "auroc", "auprc", "aucroc", "ap", "map", "mar", "f", "fbeta",
    "precision", "recall", "r", "r2", "rsquared", "iou", "miou", "giou", "dice", "jaccard",
    "bleu", "chrf", "rouge", "rougel", "rougelsum", "meteor", "cider", "spice", "psnr", "ssim",
    "msssim", "mcc", "kappa", "score", "reward", "rewards", "return", "returns", "ndcg", "dcg",
    "mrr", "hit", "hits", "sensitivity", "specificity", "correlation", "corr", "pearson",
    "spearman", "kendall", "likelihood", "elbo", "tpr", "tnr", "em", "silhouette", "throughput",
    "similarity", "purity", "nmi", "ari", "gini", "lift", "winrate", "explained",
})  # fmt: skip
_SMALLER_ENDS = ("loss", "error", "rmse", "perplexity")
_LARGER_ENDS = ("accuracy", "auc", "acc", "score", "precision", "recall")
_NEGATED = frozenset({"neg", "negative", "minus"})

_WORD = re.compile(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+")


def direction_of(name: str) -> Direction | None:
    """Return whether the smallest or the largest value of a metric is its best one.

    The last word that says something decides: ``val_loss`` and
    ``accuracy_error`` want to be small, ``f1_score`` and ``trainAcc`` large;
    ``neg_`` turns it round, as in scikit-learn's ``neg_mean_squared_error``.

    Parameters
    ----------
    name : str
        The key of the metric.

    Returns
    -------
    ``"min"``, ``"max"`` or None
        None when the name does not tell.
    """
    words = [word.lower() for word in _WORD.findall(name)]
    found = next((way for word in reversed(words) if (way := _of_word(word))), None)
    if found and sum(word in _NEGATED for word in words) % 2:
        return "max" if found == "min" else "min"
    return found


def _of_word(word: str) -> Direction | None:
    for form in (word, word.rstrip("0123456789")):
        if form in _SMALLER:
            return "min"
        if form in _LARGER:
            return "max"
        if form.endswith(_SMALLER_ENDS):
            return "min"
        if form.endswith(_LARGER_ENDS):
            return "max"
    return None
