# A search over texts, logged by itself: large sparse data, and a model that knows how long it took

# %%
import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.naive_bayes import MultinomialNB
%load_ext nbtrack

# %%
words = {0: "goal match team score win".split(), 1: "vote law court state tax".split()}
rng = np.random.default_rng(11)
y = rng.integers(0, 2, 60)
texts = [" ".join(rng.choice(words[label] + ["the", "of", "day"], 12)) for label in y]

# %%
X = HashingVectorizer(n_features=2**18, alternate_sign=False).transform(texts)

# %%
%%track --auto
scores = cross_val_score(MultinomialNB(), X, y, cv=3)
scores.mean()

# %%
%%track --auto
search = GridSearchCV(MultinomialNB(), {"alpha": [0.01, 0.1, 1.0]}, cv=3)
search.fit(X, y)

# %%
%%track --auto
accuracy_score(y, search.predict(X))
