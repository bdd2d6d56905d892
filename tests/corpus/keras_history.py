# Wine with Keras: history = model.fit(...), evaluate in the next cell

# %%
import os

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler

# %%
keras.utils.set_random_seed(7)

# %%
data = load_wine()
X = StandardScaler().fit_transform(data.data).astype("float32")
y = data.target
order = np.random.permutation(len(X))
X, y = X[order], y[order]
X_train, X_test = X[:120], X[120:]
y_train, y_test = y[:120], y[120:]

# %%
model = keras.Sequential(
    [
        keras.layers.Input((13,)),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dropout(0.2),
        keras.layers.Dense(3, activation="softmax"),
    ]
)
model.summary()

# %%
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])

# %%
history = model.fit(X_train, y_train, epochs=3, batch_size=16, validation_split=0.2, verbose=0)

# %%
import matplotlib.pyplot as plt

plt.plot(history.history["loss"], label="train")
plt.plot(history.history["val_loss"], label="validation")
plt.legend()
plt.show()

# %%
%load_ext nbtrack

# %%
%%track test_set
test_loss, test_accuracy = model.evaluate(X_test, y_test, verbose=0)
{"test_loss": test_loss, "test_accuracy": test_accuracy}
