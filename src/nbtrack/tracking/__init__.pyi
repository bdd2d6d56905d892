from nbtrack.api.registry import get_registry_uri as get_registry_uri
from nbtrack.api.registry import set_registry_uri as set_registry_uri
from nbtrack.api.stores import get_tracking_uri as get_tracking_uri
from nbtrack.api.stores import is_tracking_uri_set as is_tracking_uri_set
from nbtrack.api.stores import set_tracking_uri as set_tracking_uri
from nbtrack.client import Client as Client
from nbtrack.client import MlflowClient as MlflowClient
