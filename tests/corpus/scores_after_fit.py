# A classifier that is scored in later cells, whose scores go to the run of its fit

# %%
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
%load_ext nbtrack

# %%
digits = load_digits()
X_train, X_test, y_train, y_test = train_test_split(digits.data, digits.target)

# %%
clf = LogisticRegression(max_iter=50, C=0.01)

# %%
%%track --auto
clf.fit(X_train, y_train)

# %%
unrelated = digits.images.mean()

# %%
predicted = clf.predict(X_test)

# %%
%%track --auto
accuracy_score(y_test, predicted)

# %%
X_easy, y_easy = X_test[:100], y_test[:100]

# %%
%%track --auto
clf.score(X_easy, y_easy)
