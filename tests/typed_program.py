"""What a type checker sees: only the lines that say so are mistakes. It is never run."""

from __future__ import annotations

import nbtrack
import nbtrack as mlflow
from nbtrack import Client, MlflowClient
from nbtrack.entities import PagedList, Run
from nbtrack.models import ModelSignature, infer_signature
from nbtrack.models.info import ModelInfo
from nbtrack.pyfunc import PyFuncModel, PythonModel

with mlflow.start_run(run_name="typed") as run:
    mlflow.log_params({"lr": 0.1})
    mlflow.log_metric("loss", 0.5, step=1)
    mlflow.log_metric("loss", "a lot")  # mistake: arg-type
    mlflow.log_metric("loss", 0.5, stepp=1)  # mistake: call-arg
    run_id: str = run.info.run_id

client: Client = MlflowClient()
found: PagedList[Run] = client.search_runs(["0"], max_results=5)
losses: list[float] = [each.data.metrics["loss"] for each in found]
client.log_metric(run_id, "loss", 0.5)
client.no_such_method()  # mistake: attr-defined
nbtrack.Client().get_run(1)  # mistake: arg-type

signature: ModelSignature = infer_signature([1.0], [2.0])
logged: ModelInfo = nbtrack.sklearn.log_model(1, name="model", signature=signature)
nbtrack.sklearn.log_model(1, typo=2)  # mistake: call-arg
nbtrack.xgboost.log_model(1, name="model", model_format=1)  # mistake: arg-type
nbtrack.keras.save_model(1, "model", nam="model")  # mistake: call-arg
nbtrack.tensorflow.load_model("models:/a/1", trust="yes")  # mistake: arg-type
nbtrack.transformers.load_model("models:/a/1", return_type="parts")  # mistake: arg-type
nbtrack.pyfunc.log_model(name="model", python_model=PythonModel(), typo=2)  # mistake: call-arg
loaded: PyFuncModel = nbtrack.pyfunc.load_model(logged.model_uri)
loaded.predikt([1.0])  # mistake: attr-defined
schema: nbtrack.types.Schema = nbtrack.types.Schema([nbtrack.types.ColSpec("double", "x")])
nbtrack.types.Schema([1])  # mistake: arg-type

imported: bool = nbtrack.interop.import_from("mlflow.db", kind="mlflow").ok
nbtrack.projects.run(".", "main", parameters={"lr": 0.1}).wait()
nbtrack.projects.run(".", param={"lr": 0.1})  # mistake: call-arg
nbtrack.artifacts.list_artifacts(run_id=run_id)[0].path.upper()
nbtrack.data.from_numpy([1.0])  # mistake: arg-type
nbtrack.config.enable_async_logging(enable="no")  # mistake: arg-type
nbtrack.system_metrics.set_system_metrics_sampling_interval("1s")  # mistake: arg-type
nbtrack.tracking.set_tracking_uri("runs.duckdb")
nbtrack.store.sync().bit_length()
accuracy: float = nbtrack.evaluate("models:/a/1", [[1.0]]).metrics["accuracy_score"]
nbtrack.evaluate("models:/a/1", baseline_model="models:/a/2")  # mistake: call-arg

try:
    nbtrack.get_run("none")
except (nbtrack.NbtrackError, nbtrack.exceptions.RestException) as error:
    error.get_http_status_code().bit_length()

nbtrack.typo()  # mistake: attr-defined
nbtrack.autologing()  # mistake: attr-defined
nbtrack.client.typo()  # mistake: attr-defined
nbtrack.interop.typo()  # mistake: attr-defined
nbtrack.models.typo()  # mistake: attr-defined
nbtrack.projects.typo()  # mistake: attr-defined
nbtrack.pyfunc.typo()  # mistake: attr-defined
nbtrack.store.typo()  # mistake: attr-defined
nbtrack.tracking.typo()  # mistake: attr-defined
