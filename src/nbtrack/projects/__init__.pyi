from nbtrack.errors import ProjectError as ProjectError
from nbtrack.projects.launch import run as run
from nbtrack.projects.submitted import SubmittedRun as SubmittedRun
