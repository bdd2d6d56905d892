# Augmentation as a list of functions that read settings

# %%
import numpy as np
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
%load_ext nbtrack

# %%
SIGMA = 2.0
SHIFT = 1
np.random.seed(77)

# %%
transforms = [
    lambda im: im + np.random.normal(0, SIGMA, im.shape),
    lambda im: np.roll(im, SHIFT, axis=1),
]
transforms.append(lambda im: np.clip(im, 0, 16))

# %%
class Compose:
    def __init__(self, fs):
        self.fs = fs

    def __call__(self, im):
        for f in self.fs:
            im = f(im)
        return im


augment = Compose(transforms)

# %%
SIGMA = 3.5

# %%
transforms.insert(0, np.fliplr)

# %%
digits = load_digits()
train_images = np.stack([augment(im) for im in digits.images[:300]])
test_images = np.stack([augment(im) for im in digits.images[300:500]])

# %%
knn = KNeighborsClassifier(3).fit(train_images.reshape(300, -1), digits.target[:300])

# %%
%%track augmented
accuracy = knn.score(test_images.reshape(200, -1), digits.target[300:500])
distance = knn.kneighbors(test_images.reshape(200, -1))[0].mean()
{"accuracy": accuracy, "distance": float(distance)}
