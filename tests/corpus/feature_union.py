# Feature unions, column transformers, transformers of one's own

# %%
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler
%load_ext nbtrack

# %%
rng = np.random.default_rng(8)
houses = pd.DataFrame({"area": rng.uniform(40, 200, 120), "rooms": rng.integers(1, 6, 120), "town": rng.choice(["a", "b", "c"], 120)})
price = houses["area"] * 3 + houses["rooms"] * 20 + houses["town"].map({"a": 0, "b": 30, "c": 80})

# %%
class Quantiles(BaseEstimator, TransformerMixin):
    def fit(self, X, y=None):
        self.edges_ = np.quantile(np.asarray(X)[:, 0], [0.25, 0.5, 0.75])
        return self

    def transform(self, X):
        return np.searchsorted(self.edges_, np.asarray(X)[:, 0])[:, None]

# %%
quantiles = Quantiles()
numeric = FeatureUnion([("q", quantiles), ("poly", make_pipeline(StandardScaler(), PolynomialFeatures(2)))])

# %%
prep = ColumnTransformer([("num", numeric, ["area", "rooms"])], remainder="drop")
prep.transformers.append(("cat", OneHotEncoder(), ["town"]))

# %%
model = make_pipeline(prep, Ridge(0.1))
parts = [model]

# %%
parts[0].fit(houses[:90], price[:90])

# %%
quantiles.fit(houses[["rooms"]])

# %%
%%track houses
mae = float(np.abs(model.predict(houses[90:]) - price[90:]).mean())
{"mae": mae, "edge": float(quantiles.edges_[1])}
