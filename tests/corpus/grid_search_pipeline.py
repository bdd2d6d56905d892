# A pipeline, set_params, a search, the best of it

# %%
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
%load_ext nbtrack

# %%
X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=150, test_size=100)

# %%
scaler = StandardScaler()
pipe = Pipeline([("scale", scaler), ("pca", PCA()), ("svc", SVC())])

# %%
pipe.set_params(pca__n_components=5, svc__gamma="scale")

# %%
param_grid = {"svc__C": [0.1, 1.0]}
param_grid["svc__kernel"] = ["rbf", "linear"]

# %%
search = GridSearchCV(pipe, param_grid, cv=3)

# %%
_ = search.fit(X_train, y_train)

# %%
search.best_params_

# %%
best = search.best_estimator_
pipe.fit(X_train[:80], y_train[:80])

# %%
%%track search
margin = best.decision_function(X_test)
{"margin": float(abs(margin).mean()), "cv": float(search.best_score_), "mean": float(scaler.mean_[0])}
