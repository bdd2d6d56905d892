from nbtrack.capsules.capsule import Capsule as Capsule
from nbtrack.capsules.capsule import write_capsule as write_capsule
from nbtrack.capsules.opening import OpenedCapsule as OpenedCapsule
from nbtrack.capsules.opening import open_capsule as open_capsule
