"""Cells as people write them, without a log call, and what ``%%track`` records of each."""

# ruff: noqa: E501, ISC004  the lines are those of cells

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class RealCell:
    """A cell, those before it, and what is recorded.

    Attributes
    ----------
    name : str
    cell : str
        Below the line of ``%%track``.
    params : dict of str to str
        Those that must be there; with ``only`` there are no others.
    metrics : dict of str to int
        How many points each metric has; there are no others.
    sources : dict of str to str
        Where some of them came from.
    before : tuple of str
        The cells before it.
    needs : tuple of str
        Modules without which it is left out.
    """

    name: str
    cell: str
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, int] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    only: bool = True


IRIS = """\
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
X, y = load_iris(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)"""

NET = """\
import torch
from torch import nn
torch.manual_seed(0)
X, y = torch.randn(64, 4), torch.randint(0, 2, (64,))
model = nn.Linear(4, 2)
loss_fn = nn.CrossEntropyLoss()"""

KERAS = """\
import os
os.environ["KERAS_BACKEND"] = "torch"
import keras, numpy as np
X = np.random.rand(64, 4).astype("float32")
y = (X.sum(1) > 2).astype("int")
def make():
    model = keras.Sequential([keras.layers.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model"""

FAKE_TRAIN = """\
def train_epoch(epoch):
    return 1 / (epoch + 1)
def evaluate():
    return 0.875"""

CELLS = [
    RealCell(
        "sklearn score at the end",
        "from sklearn.ensemble import RandomForestClassifier\n"
        "clf = RandomForestClassifier(n_estimators=20, max_depth=3, random_state=0)\n"
        "clf.fit(X_train, y_train)\nclf.score(X_test, y_test)",
        {"clf": "RandomForestClassifier", "clf.n_estimators": "20", "clf.max_depth": "3"},
        {"score": 1},
        {"clf.n_estimators": "clf", "score": "last value"},
        (IRIS,),
        ("sklearn",),
        only=False,
    ),
    RealCell(
        "sklearn literals are not said twice",
        "from sklearn.linear_model import LogisticRegression\n"
        "C = 0.5\nmax_iter = 200\nmodel = LogisticRegression(C=C, max_iter=max_iter)\n"
        "model.fit(X_train, y_train)\n"
        "print(f'Test accuracy: {model.score(X_test, y_test):.3f}')",
        {"C": "0.5", "max_iter": "200", "model": "LogisticRegression", "model.tol": "0.0001"},
        {"test_accuracy": 1},
        {"C": "this cell", "test_accuracy": "printed"},
        (IRIS,),
        ("sklearn",),
        only=False,
    ),
    RealCell(
        "sklearn report",
        "from sklearn.metrics import accuracy_score, f1_score\n"
        "from sklearn.tree import DecisionTreeClassifier\n"
        "pred = DecisionTreeClassifier(random_state=0).fit(X_train, y_train).predict(X_test)\n"
        "acc = accuracy_score(y_test, pred)\nf1 = f1_score(y_test, pred, average='macro')\n"
        "print('Accuracy:', acc)\nprint('F1 score:', f1)",
        {},
        {"accuracy": 1, "f1_score": 1},
        before=(IRIS,),
        needs=("sklearn",),
    ),
    RealCell(
        "sklearn, a bare number printed",
        "from sklearn.metrics import accuracy_score\nfrom sklearn.naive_bayes import GaussianNB\n"
        "gnb = GaussianNB()\npred = gnb.fit(X_train, y_train).predict(X_test)\n"
        "print('Using 4 features')\nprint(accuracy_score(y_test, pred))",
        {"gnb": "GaussianNB", "gnb.priors": "None", "gnb.var_smoothing": "1e-09"},
        {"accuracy_score": 1},
        {"accuracy_score": "printed"},
        (IRIS,),
        ("sklearn",),
    ),
    RealCell(
        "sklearn pipeline with several values at the end",
        "from sklearn.pipeline import make_pipeline\nfrom sklearn.preprocessing import StandardScaler\n"
        "from sklearn.svm import SVC\nfrom sklearn.metrics import accuracy_score, f1_score\n"
        "pipe = make_pipeline(StandardScaler(), SVC(C=3.0))\npipe.fit(X_train, y_train)\n"
        "pred = pipe.predict(X_test)\nacc = accuracy_score(y_test, pred)\n"
        "f1 = f1_score(y_test, pred, average='macro')\nacc, f1",
        {"pipe": "Pipeline", "pipe.svc__C": "3.0", "pipe.standardscaler__with_mean": "True"},
        {"acc": 1, "f1": 1},
        before=(IRIS,),
        needs=("sklearn",),
        only=False,
    ),
    RealCell(
        "sklearn models in a loop",
        "from sklearn.linear_model import LogisticRegression\nfrom sklearn.svm import SVC\n"
        "for name, clf in {'LogReg': LogisticRegression(max_iter=500), 'SVC': SVC()}.items():\n"
        "    clf.fit(X_train, y_train)\n"
        "    print(f'{name} accuracy: {clf.score(X_test, y_test):.4f}')",
        {},
        {"logreg_accuracy": 1, "svc_accuracy": 1},
        before=(IRIS,),
        needs=("sklearn",),
    ),
    RealCell(
        "sklearn cross validation by fold",
        "from sklearn.model_selection import KFold\nfrom sklearn.tree import DecisionTreeClassifier\n"
        "scores = []\nfor fold, (tr, va) in enumerate(KFold(4, shuffle=True, random_state=0).split(X)):\n"
        "    tree = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X[tr], y[tr])\n"
        "    scores.append(tree.score(X[va], y[va]))\n"
        "    print(f'Fold {fold + 1} score: {scores[-1]:.3f}')\n"
        "print('Mean:', sum(scores) / 4)",
        {"tree.max_depth": "2"},
        {"score": 4},
        {"score": "scores"},
        (IRIS,),
        ("sklearn",),
        only=False,
    ),
    RealCell(
        "torch loop that prints, settings in an earlier cell",
        "optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.05)\n"
        "for epoch in range(epochs):\n    optimizer.zero_grad()\n    loss = loss_fn(model(X), y)\n"
        "    loss.backward()\n    optimizer.step()\n"
        "    print(f'Epoch {epoch + 1}/{epochs}, Loss: {loss.item():.4f}')",
        {
            "lr": "0.01",
            "epochs": "3",
            "optimizer": "AdamW",
            "optimizer.betas": "(0.9, 0.999)",
            "optimizer.eps": "1e-08",
            "optimizer.weight_decay": "0.05",
            "optimizer.amsgrad": "False",
        },
        {"loss": 3},
        {"optimizer.betas": "optimizer", "loss": "printed"},
        (NET, "lr = 1e-2\nepochs = 3\nunused = 7"),
        ("torch",),
    ),
    RealCell(
        "torch loop with lists, SGD and a scheduler",
        "opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)\n"
        "sched = torch.optim.lr_scheduler.StepLR(opt, step_size=1, gamma=0.1)\n"
        "train_losses, val_accs = [], []\nfor epoch in range(5):\n    opt.zero_grad()\n"
        "    loss = loss_fn(model(X), y)\n    loss.backward()\n    opt.step()\n    sched.step()\n"
        "    train_losses.append(loss.item())\n"
        "    val_accs.append((model(X).argmax(1) == y).float().mean().item())\n"
        "    print(f'Epoch {epoch}: train loss {loss.item():.4f}, val acc {val_accs[-1]:.3f}')",
        {"opt": "SGD", "opt.lr": "0.1", "opt.momentum": "0.9"},
        {"train_loss": 5, "val_acc": 5},
        {"train_loss": "train_losses", "opt.lr": "opt"},
        (NET,),
        ("torch",),
        only=False,
    ),
    RealCell(
        "torch quickstart",
        "for t in range(2):\n    print(f'Epoch {t + 1}\\n-----------------------')\n"
        "    for batch in range(3):\n"
        "        print(f'loss: {1 / (t * 3 + batch + 1):>7f}  [{batch * 64:>5d}/{60000:>5d}]')\n"
        "    print(f'Test Error: \\n Accuracy: {44.1 + t:>0.1f}%, Avg loss: {2.1 - t:>8f} \\n')\n"
        "print('Done!')",
        {},
        {"loss": 6, "test_accuracy": 2, "test_avg_loss": 2},
    ),
    RealCell(
        "torch mnist example",
        "for epoch in range(1, 3):\n    for batch_idx in range(0, 4):\n"
        "        print('Train Epoch: {} [{}/{} ({:.0f}%)]\\tLoss: {:.6f}'.format(\n"
        "            epoch, batch_idx * 64, 60000, batch_idx, 2.3 / (epoch + batch_idx)))\n"
        "    print('\\nTest set: Average loss: {:.4f}, Accuracy: {}/{} ({:.0f}%)\\n'.format(\n"
        "        0.05 / epoch, 9800 + epoch, 10000, 98.0))",
        {},
        {"train_loss": 8, "test_average_loss": 2, "test_accuracy": 2},
    ),
    RealCell(
        "torch function that returns a history",
        "history = fit(model, epochs=4, lr=0.1)",
        {},
        {"train_loss": 4, "val_acc": 4},
        {"train_loss": "history.train_loss"},
        (
            NET,
            "def fit(model, epochs, lr):\n    history = {'train_loss': [], 'val_acc': []}\n"
            "    for epoch in range(epochs):\n        history['train_loss'].append(1 / (epoch + 1))\n"
            "        history['val_acc'].append(epoch / 4)\n    return history",
        ),
        ("torch",),
    ),
    RealCell(
        "tqdm with a postfix",
        "from tqdm import tqdm\nfor epoch in range(2):\n"
        "    bar = tqdm(range(3), desc=f'Epoch {epoch + 1}')\n    for i in bar:\n"
        "        bar.set_postfix(loss=0.5 / (epoch + i + 1), acc=0.9)",
        {},
        {"loss": 2, "acc": 2},
        {"loss": "printed"},
        needs=("tqdm",),
    ),
    RealCell(
        "keras fit",
        "model = make()\nhistory = model.fit(X, y, epochs=3, batch_size=16, validation_split=0.25)",
        {"epochs": "3"},
        {"loss": 3, "accuracy": 3, "val_loss": 3, "val_accuracy": 3},
        {"loss": "history", "epochs": "history"},
        (KERAS,),
        ("keras", "torch"),
    ),
    RealCell(
        "keras fit whose history is not kept",
        "BATCH_SIZE = 32\nmodel = make()\nmodel.fit(X, y, epochs=2, batch_size=BATCH_SIZE, verbose=0)\n"
        "loss, acc = model.evaluate(X, y, verbose=0)\nprint(f'Test accuracy: {acc:.3f}')",
        {"BATCH_SIZE": "32", "epochs": "2"},
        {"loss": 2, "accuracy": 2, "test_accuracy": 1},
        {"loss": "model", "test_accuracy": "printed"},
        (KERAS,),
        ("keras", "torch"),
    ),
    RealCell(
        "keras training that goes on",
        "model.fit(X, y, epochs=2, verbose=0);",
        {"epochs": "2"},
        {"loss": 2, "accuracy": 2},
        before=(KERAS, "model = make()\nhistory = model.fit(X, y, epochs=3, verbose=0)"),
        needs=("keras", "torch"),
    ),
    RealCell(
        "xgboost with evals_result",
        "import xgboost as xgb\nparams = {'max_depth': 2, 'eta': 0.3, 'objective': 'multi:softprob',"
        " 'num_class': 3}\nresults = {}\n"
        "bst = xgb.train(params, xgb.DMatrix(X_train, y_train), num_boost_round=4,\n"
        "    evals=[(xgb.DMatrix(X_test, y_test), 'eval')], evals_result=results, verbose_eval=1)",
        {
            "params.max_depth": "2",
            "params.eta": "0.3",
            "params.objective": "multi:softprob",
            "params.num_class": "3",
        },
        {"eval-mlogloss": 4},
        {"eval-mlogloss": "results.eval-mlogloss"},
        (IRIS,),
        ("xgboost", "sklearn"),
    ),
    RealCell(
        "pandas, nothing to measure",
        "import pandas as pd\ndf = pd.DataFrame({'a': [1, 2, 3], 'b': [0.5, 0.25, 1.0]})\n"
        "print(df.describe())\nprint('rows:', len(df))\ndf.groupby('a').mean()",
        {},
        {},
        needs=("pandas",),
    ),
    RealCell(
        "pandas with a threshold and a number at the end",
        "threshold = 0.4\nlate = df[df.b > threshold]\nprint('Number of rows: 1000')\nlate.b.mean()",
        {"threshold": "0.4"},
        {"b": 1},
        {"b": "last value"},
        ("import pandas as pd\ndf = pd.DataFrame({'b': [0.5, 0.25, 1.0]})",),
        ("pandas",),
    ),
    RealCell(
        "timeit as a cell",
        "%%timeit -n 10 -r 2\nn = 100\nsum(range(n))",
        {"n": "100"},
        {"seconds_per_loop": 1},
        {"n": "this cell", "seconds_per_loop": "printed"},
    ),
    RealCell(
        "timeit as a line",
        "size = 200\nnumbers = list(range(size))\n%timeit -n 10 -r 2 sum(numbers)",
        {"size": "200"},
        {"seconds_per_loop": 1},
    ),
    RealCell(
        "time above it all",
        "%%time\nlr = 0.1\nval_loss = train_epoch(3)\nval_loss",
        {"lr": "0.1"},
        {"val_loss": 1},
        {"lr": "this cell", "val_loss": "last value"},
        (FAKE_TRAIN,),
    ),
    RealCell(
        "prun",
        "%%prun -q\nsteps = 5\nfor i in range(steps):\n    train_epoch(i)",
        {"steps": "5"},
        {},
        before=(FAKE_TRAIN,),
    ),
    RealCell(
        "captured output",
        "%%capture out\nseed = 3\nfor epoch in range(3):\n"
        "    print(f'epoch {epoch} loss={train_epoch(epoch):.3f}')",
        {"seed": "3"},
        {"loss": 3},
        before=(FAKE_TRAIN,),
    ),
    RealCell(
        "settings in a class",
        "for epoch in range(CFG.epochs):\n"
        "    print(f'Epoch {epoch + 1} - train_loss: {train_epoch(epoch):.4f} - val_acc: {evaluate()}"
        " - time: 3s')",
        {"CFG.lr": "0.0003", "CFG.epochs": "2", "CFG.model_name": "resnet18"},
        {"train_loss": 2, "val_acc": 2},
        before=(
            FAKE_TRAIN,
            "class CFG:\n    lr = 3e-4\n    epochs = 2\n    model_name = 'resnet18'\n    debug_data = None",
        ),
        only=False,
    ),
    RealCell(
        "settings in argparse",
        "for step in range(0, args.steps, 10):\n    print(f'step {step}: loss {train_epoch(step):.4f}')",
        {"args.steps": "30", "args.lr": "0.5"},
        {"loss": 3},
        before=(
            FAKE_TRAIN,
            "import argparse\nparser = argparse.ArgumentParser()\n"
            "parser.add_argument('--steps', type=int, default=30)\n"
            "parser.add_argument('--lr', type=float, default=0.5)\nargs = parser.parse_args([])",
        ),
    ),
    RealCell(
        "numpy gradient descent",
        "lr, n_iter = 0.1, 50\nw = 0.0\ncost_history = []\nfor i in range(n_iter):\n"
        "    w -= lr * 2 * (w - 3)\n    cost_history.append((w - 3) ** 2)\n"
        "    if i % 10 == 0:\n        print(f'Iteration {i}: cost {cost_history[-1]:.4f}')",
        {"lr": "0.1", "n_iter": "50"},
        {"cost": 50},
        {"cost": "cost_history"},
    ),
    RealCell(
        "reinforcement learning",
        "gamma = 0.99\nepisode_rewards = []\nfor episode in range(20):\n"
        "    episode_rewards.append(episode * 2)\n    if episode % 5 == 0:\n"
        "        print(f'Episode {episode}\\tAverage reward: {episode:.1f}')",
        {"gamma": "0.99"},
        {"episode_reward": 20, "average_reward": 4},
        {"episode_reward": "episode_rewards", "average_reward": "printed"},
    ),
    RealCell(
        "huggingface trainer",
        "for epoch in (1, 2):\n    print({'loss': 0.5 / epoch, 'grad_norm': 1.25, 'learning_rate': 5e-05,"
        " 'epoch': float(epoch)})",
        {},
        {"loss": 2, "grad_norm": 2, "learning_rate": 2},
    ),
    RealCell(
        "code that logs is left alone",
        "optimizer = torch.optim.Adam(model.parameters(), lr=0.1)\nnbtrack.log_param('width', 3)\n"
        "losses = []\nfor step in range(3):\n    losses.append(1.0 / (step + 1))\n"
        "    nbtrack.log_metric('mine', step, step=step)\n    print(f'epoch {step} loss: {losses[-1]}')",
        {"width": "3"},
        {"mine": 3},
        before=(NET,),
        needs=("torch",),
    ),
    RealCell(
        "predictions and labels are no curves",
        "y_pred, ids, total = [], [], 0\nfor i in range(10):\n    y_pred.append(i / 10)\n"
        "    ids.append(i)\n    total += i\nprint('Using device: cuda:0')\nprint('Total params: 1,234')",
        {},
        {},
    ),
]
