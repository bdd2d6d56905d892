# Passengers: a frame that is changed in place, cell by cell

# %%
import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
%load_ext nbtrack

# %%
rng = np.random.RandomState(0)
n = 200
train = pd.DataFrame({
    "PassengerId": np.arange(n), "Pclass": rng.randint(1, 4, n), "Sex": rng.choice(["male", "female"], n),
    "Age": np.where(rng.rand(n) < 0.2, np.nan, rng.uniform(1, 70, n)), "Fare": rng.gamma(2, 15, n),
    "SibSp": rng.randint(0, 3, n), "Parch": rng.randint(0, 3, n),
})
train["Survived"] = ((train["Sex"] == "female") ^ (rng.rand(n) < 0.2)).astype(int)

# %%
train.info()

# %%
train.isnull().sum()

# %%
train.drop("PassengerId", axis=1, inplace=True)

# %%
train["Age"] = train["Age"].fillna(train.groupby("Pclass")["Age"].transform("median"))

# %%
train.loc[train["Fare"] > 60, "Fare"] = 60.0

# %%
train.insert(0, "FamilySize", train["SibSp"] + train["Parch"] + 1)

# %%
train.columns = [c.lower() for c in train.columns]

# %%
train.rename(columns={"pclass": "klass"}, inplace=True)
train.sex = train.sex.map({"male": 0, "female": 1})

# %%
for dataset in [train]:
    dataset["isalone"] = (dataset["familysize"] == 1).astype(int)

# %%
y = train.pop("survived")

# %%
forest = RandomForestClassifier(n_estimators=10, random_state=1, oob_score=False)
forest.fit(train[:150], y[:150])

# %%
%%track titanic
p = forest.predict_proba(train[150:])[:, 1]
{"brier": float(np.mean((p - y[150:]) ** 2)), "importance": float(forest.feature_importances_[0]), "columns": train.shape[1]}
