# Keras: compiled twice, train_on_batch, another learning rate

# %%
import os
os.environ["KERAS_BACKEND"] = "torch"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

# %%
import keras
import numpy as np
from keras import layers

# %%
keras.utils.set_random_seed(812)
x = np.random.uniform(-1, 1, (128, 4)).astype("float32")
y = (x**2).sum(axis=1, keepdims=True)

# %%
inputs = keras.Input((4,))
h = layers.Dense(12, activation="tanh")(inputs)
h = layers.BatchNormalization()(h)
outputs = layers.Dense(1)(h)
model = keras.Model(inputs, outputs)

# %%
model.compile(optimizer=keras.optimizers.SGD(0.05), loss="mse")

# %%
class LossHistory(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.losses = []

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(float(logs["loss"]))


history = LossHistory()

# %%
h1 = model.fit(x, y, epochs=2, callbacks=[history], verbose=0)

# %%
model.optimizer.learning_rate.assign(0.01)

# %%
for start in range(0, 128, 32):
    batch_loss = model.train_on_batch(x[start : start + 32], y[start : start + 32])

# %%
frozen = model.get_weights()
model.layers[1].trainable = False
model.compile(optimizer="adam", loss="mae")
_ = model.fit(x, y, epochs=1, verbose=0)

# %%
%load_ext nbtrack

# %%
%%track keras_by_batch
mae = float(model.evaluate(x, y, verbose=0))
{"mae": mae, "first": history.losses[-1], "moved": float(np.abs(model.get_weights()[-1] - frozen[-1]).max())}
