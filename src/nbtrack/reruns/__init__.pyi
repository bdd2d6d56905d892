# The names that the other parts of nbtrack have of reruns (see nbtrack/_names.py).
from nbtrack.reruns.background import start as start
from nbtrack.reruns.background import stop as stop
from nbtrack.reruns.rerunning import rerun as rerun
from nbtrack.reruns.rerunning import running as running
from nbtrack.reruns.rerunning import vary as vary
from nbtrack.reruns.verdict import Verdict as Verdict
