# Iris with logistic regression: fit here, look there

# %%
import numpy as np
import pandas as pd
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
%load_ext nbtrack

# %%
iris = load_iris(as_frame=True)
df = iris.frame
df.head()

# %% [markdown]
# The classes are balanced.

# %%
df["target"].value_counts()

# %%
X, y = df.drop(columns="target"), df["target"]
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=42)
print(X_train.shape, X_test.shape)

# %%
clf = LogisticRegression(C=0.3, max_iter=500)

# %%
fitted = clf.fit(X_train, y_train)

# %%
%%track evaluate
probabilities = clf.predict_proba(X_test)
{"log_loss": log_loss(y_test, probabilities), "accuracy": clf.score(X_test, y_test)}
