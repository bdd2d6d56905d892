"""Parameters have MLflow's names, order and defaults; what is nbtrack's own comes last."""

from __future__ import annotations

import inspect
from functools import reduce

import pytest

import nbtrack

FUNCTIONS = """
set_experiment(experiment_name=None, experiment_id=None, trace_location=None)
start_run(run_id=None, experiment_id=None, run_name=None, nested=False, parent_run_id=None,
    tags=None, description=None, log_system_metrics=None)
end_run(status='FINISHED')
active_run()
last_active_run()
get_run(run_id)
get_parent_run(run_id)
log_param(key, value, synchronous=None)
flush_async_logging()
flush_artifact_async_logging()
set_experiment_tag(key, value)
delete_experiment_tag(key)
set_tag(key, value, synchronous=None)
delete_tag(key)
log_metric(key, value, step=None, synchronous=None, timestamp=None, run_id=None, model_id=None,
    dataset=None)
log_metrics(metrics, step=None, synchronous=None, run_id=None, timestamp=None, model_id=None,
    dataset=None)
log_params(params, synchronous=None, run_id=None)
log_input(dataset=None, context=None, tags=None, model=None)
log_inputs(datasets=None, contexts=None, tags_list=None, models=None)
set_experiment_tags(tags)
set_tags(tags, synchronous=None)
log_artifact(local_path, artifact_path=None, run_id=None)
log_artifacts(local_dir, artifact_path=None, run_id=None)
log_text(text, artifact_file, run_id=None)
log_dict(dictionary, artifact_file, run_id=None)
log_stream(stream, artifact_file, run_id=None)
log_figure(figure, artifact_file, *, save_kwargs=None)
log_image(image, artifact_file=None, key=None, step=None, timestamp=None, synchronous=False)
log_table(data, artifact_file, run_id=None)
load_table(artifact_file, run_ids=None, extra_columns=None)
get_experiment(experiment_id)
get_experiment_by_name(name)
search_experiments(view_type=1, max_results=None, filter_string=None, order_by=None)
create_experiment(name, artifact_location=None, tags=None, trace_location=None)
delete_experiment(experiment_id)
restore_experiment(experiment_id)
delete_run(run_id)
restore_run(run_id)
get_artifact_uri(artifact_path=None)
search_runs(experiment_ids=None, filter_string='', run_view_type=1, max_results=100000,
    order_by=None, output_format='pandas', search_all_experiments=False, experiment_names=None)
is_tracking_uri_set()
set_tracking_uri(uri)
get_tracking_uri()
initialize_logged_model(name=None, source_run_id=None, tags=None, params=None, model_type=None,
    experiment_id=None)
create_external_model(name=None, source_run_id=None, tags=None, params=None, model_type=None,
    experiment_id=None)
log_model_params(params, model_id=None)
import_checkpoints(checkpoint_path, source_run_id=None, model_prefix=None,
    overwrite_checkpoints=False)
finalize_logged_model(model_id, status)
get_logged_model(model_id)
last_logged_model()
search_logged_models(experiment_ids=None, filter_string=None, datasets=None, max_results=None,
    order_by=None, output_format='pandas')
log_outputs(models=None)
set_logged_model_tags(model_id, tags)
delete_logged_model_tag(model_id, key)
set_active_model(*, name=None, model_id=None)
get_active_model_id()
clear_active_model()
set_registry_uri(uri)
get_registry_uri()
register_model(model_uri, name, await_registration_for=300, *, tags=None, env_pack=None)
search_registered_models(max_results=None, filter_string=None, order_by=None)
search_model_versions(max_results=None, filter_string=None, order_by=None)
set_model_version_tag(name, version=None, key=None, value=None)
artifacts.download_artifacts(artifact_uri=None, run_id=None, artifact_path=None, dst_path=None,
    tracking_uri=None, registry_uri=None)
artifacts.list_artifacts(artifact_uri=None, run_id=None, artifact_path=None, tracking_uri=None)
artifacts.load_text(artifact_uri)
artifacts.load_dict(artifact_uri)
artifacts.load_image(artifact_uri)
system_metrics.disable_system_metrics_logging()
system_metrics.enable_system_metrics_logging()
system_metrics.set_system_metrics_sampling_interval(interval)
system_metrics.set_system_metrics_samples_before_logging(samples)
system_metrics.set_system_metrics_node_id(node_id)
data.from_pandas(df, source=None, targets=None, name=None, digest=None, predictions=None)
data.from_numpy(features, source=None, targets=None, name=None, digest=None)
data.from_huggingface(ds, path=None, targets=None, data_dir=None, data_files=None,
    revision=None, name=None, digest=None, trust_remote_code=None, source=None)
"""

METHODS = """
__init__(tracking_uri=None, registry_uri=None, workspace_store_uri=None)
get_run(run_id)
get_parent_run(run_id)
get_metric_history(run_id, key)
create_run(experiment_id, start_time=None, tags=None, run_name=None)
search_experiments(view_type=1, max_results=1000, filter_string=None, order_by=None,
    page_token=None)
get_experiment(experiment_id)
get_experiment_by_name(name)
create_experiment(name, artifact_location=None, tags=None)
delete_experiment(experiment_id)
restore_experiment(experiment_id)
rename_experiment(experiment_id, new_name)
log_metric(run_id, key, value, timestamp=None, step=None, synchronous=None, dataset_name=None,
    dataset_digest=None, model_id=None)
log_param(run_id, key, value, synchronous=None)
set_experiment_tag(experiment_id, key, value)
delete_experiment_tag(experiment_id, key)
set_tag(run_id, key, value, synchronous=None)
delete_tag(run_id, key)
update_run(run_id, status=None, name=None)
log_batch(run_id, metrics=(), params=(), tags=(), synchronous=None)
log_inputs(run_id, datasets=None, models=None)
log_artifact(run_id, local_path, artifact_path=None)
log_artifacts(run_id, local_dir, artifact_path=None)
log_text(run_id, text, artifact_file)
log_dict(run_id, dictionary, artifact_file)
log_stream(run_id, stream, artifact_file)
log_figure(run_id, figure, artifact_file, *, save_kwargs=None)
log_image(run_id, image, artifact_file=None, key=None, step=None, timestamp=None,
    synchronous=None)
log_table(run_id, data, artifact_file)
load_table(experiment_id, artifact_file, run_ids=None, extra_columns=None)
list_artifacts(run_id, path=None)
download_artifacts(run_id, path, dst_path=None)
set_terminated(run_id, status=None, end_time=None)
delete_run(run_id)
restore_run(run_id)
search_runs(experiment_ids, filter_string='', run_view_type=1, max_results=1000, order_by=None,
    page_token=None)
log_outputs(run_id, models)
list_logged_model_artifacts(model_id, path=None)
create_registered_model(name, tags=None, description=None, deployment_job_id=None)
rename_registered_model(name, new_name)
update_registered_model(name, description=None, deployment_job_id=None)
delete_registered_model(name)
search_registered_models(filter_string=None, max_results=100, order_by=None, page_token=None)
get_registered_model(name)
get_latest_versions(name, stages=None)
set_registered_model_tag(name, key, value)
delete_registered_model_tag(name, key)
create_model_version(name, source, run_id=None, tags=None, run_link=None, description=None,
    await_creation_for=300, model_id=None)
copy_model_version(src_model_uri, dst_name)
update_model_version(name, version, description=None)
transition_model_version_stage(name, version, stage, archive_existing_versions=False)
delete_model_version(name, version)
get_model_version(name, version)
get_model_version_download_uri(name, version)
search_model_versions(filter_string=None, max_results=10000, order_by=None, page_token=None)
get_model_version_stages(name, version)
set_model_version_tag(name, version=None, key=None, value=None, stage=None)
delete_model_version_tag(name, version=None, key=None, stage=None)
set_registered_model_alias(name, alias, version)
delete_registered_model_alias(name, alias)
get_model_version_by_alias(name, alias)
create_logged_model(experiment_id, name=None, source_run_id=None, tags=None, params=None,
    model_type=None)
log_model_params(model_id, params)
finalize_logged_model(model_id, status)
get_logged_model(model_id)
delete_logged_model(model_id)
set_logged_model_tags(model_id, tags)
delete_logged_model_tag(model_id, key)
log_model_artifact(model_id, local_path, artifact_path=None)
log_model_artifacts(model_id, local_dir, artifact_path=None)
search_logged_models(experiment_ids, filter_string=None, datasets=None, max_results=None,
    order_by=None, page_token=None)
"""


def unfolded(table: str) -> list[str]:
    """Return the lines of a table; those that are indented go on with the one before."""
    return table.strip().replace("\n    ", " ").splitlines()


def parameters(signature: str) -> list[tuple[str, object]]:
    """Return (name, default) of each parameter; "*" is one without a default."""
    namespace: dict[str, object] = {}
    exec(f"def found{signature[signature.index('(') :]}: ...", namespace)
    return shown(namespace["found"])


def shown(function: object) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for name, parameter in inspect.signature(function).parameters.items():
        keyword_only = parameter.kind is inspect.Parameter.KEYWORD_ONLY
        if keyword_only and ("*", None) not in found:
            found.append(("*", None))
        default = parameter.default
        found.append((name, "required" if default is inspect.Parameter.empty else default))
    return found


def check(where: object, signature: str) -> None:
    names = signature.partition("(")[0].split(".")
    theirs, ours = parameters(signature), shown(reduce(getattr, names, where))
    assert ours[: len(theirs)] == theirs
    assert all(default != "required" for _, default in ours[len(theirs) :])


@pytest.mark.parametrize("signature", unfolded(FUNCTIONS), ids=lambda s: s.partition("(")[0])
def test_functions(signature: str) -> None:
    check(nbtrack, signature)


@pytest.mark.parametrize("signature", unfolded(METHODS), ids=lambda s: s.partition("(")[0])
def test_methods_of_the_client(signature: str) -> None:
    check(
        nbtrack.Client, signature if "(self" in signature else signature.replace("(", "(self, ", 1)
    )
