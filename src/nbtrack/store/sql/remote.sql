-- What a server says goes into its mirror. Ids are those of the mirror; lists are one row each.

-- name: experiments
SELECT experiment_id FROM experiments;

-- name: remove_experiments
DELETE FROM experiments WHERE experiment_id IN (SELECT unnest($ids::VARCHAR[]));

-- name: remove_other_experiments
-- those that the server has no more; one that was made offline has an id of its own kind
DELETE FROM experiments
WHERE experiment_id NOT IN (SELECT unnest($ids::VARCHAR[])) AND NOT starts_with(experiment_id, 'local-');

-- name: add_experiments
INSERT INTO experiments
SELECT unnest($ids::VARCHAR[]), unnest($names::VARCHAR[]), unnest($stages::VARCHAR[]), unnest($locations::VARCHAR[]),
       make_timestamp(unnest($created::BIGINT[]) * 1000), make_timestamp(unnest($updated::BIGINT[]) * 1000);

-- name: remove_experiment_tags
DELETE FROM experiment_tags WHERE experiment_id IN (SELECT unnest($ids::VARCHAR[]));

-- name: add_experiment_tags
INSERT INTO experiment_tags
SELECT unnest($ids::VARCHAR[]), unnest($keys::VARCHAR[]), unnest($values::VARCHAR[]);

-- name: move_runs
UPDATE runs SET experiment_id = $server WHERE experiment_id = $local;

-- name: move_models
UPDATE logged_models SET experiment_id = $server WHERE experiment_id = $local;

-- name: move_datasets
UPDATE datasets SET experiment_id = $server WHERE experiment_id = $local;

-- name: move_inputs
UPDATE inputs SET experiment_id = $server WHERE experiment_id = $local;

-- name: update_runs
-- what only the mirror knows, that a run was interrupted, stays
UPDATE runs
SET experiment_id = n.experiment_id, run_name = n.run_name, user_id = n.user_id,
    start_time = make_timestamp(n.start_time * 1000),
    end_time = CASE WHEN runs.status = 'INTERRUPTED' AND n.status IN ('KILLED', 'RUNNING') THEN runs.end_time
                    ELSE make_timestamp(n.end_time * 1000) END,
    status = CASE WHEN runs.status = 'INTERRUPTED' AND n.status IN ('KILLED', 'RUNNING') THEN runs.status ELSE n.status END,
    deleted_time = CASE WHEN n.stage = 'active' THEN NULL
                        ELSE coalesce(runs.deleted_time, make_timestamp($now::BIGINT * 1000)) END,
    lifecycle_stage = n.stage, artifact_uri = n.artifact_uri
FROM (SELECT unnest($run_id::VARCHAR[]) AS run_id, unnest($experiment_id::VARCHAR[]) AS experiment_id,
             unnest($run_name::VARCHAR[]) AS run_name, unnest($user_id::VARCHAR[]) AS user_id,
             unnest($status::VARCHAR[]) AS status, unnest($start_time::BIGINT[]) AS start_time,
             unnest($end_time::BIGINT[]) AS end_time, unnest($stage::VARCHAR[]) AS stage,
             unnest($artifact_uri::VARCHAR[]) AS artifact_uri) n
WHERE runs.run_id = n.run_id;

-- name: remove_tags_of_runs
DELETE FROM tags WHERE run_id IN (SELECT unnest($ids::VARCHAR[]));

-- name: remove_params_of_runs
DELETE FROM params WHERE run_id IN (SELECT unnest($ids::VARCHAR[]));

-- name: active_runs
SELECT run_id FROM runs WHERE experiment_id IN (SELECT unnest($ids::VARCHAR[])) AND lifecycle_stage = 'active';

-- name: delete_runs
UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = make_timestamp($now::BIGINT * 1000)
WHERE run_id IN (SELECT unnest($ids::VARCHAR[]));

-- name: experiments_of_runs
SELECT DISTINCT experiment_id FROM runs WHERE run_id IN (SELECT unnest($ids::VARCHAR[]));

-- name: latest
SELECT run_id, key, last_step, last_time, last_value FROM series
WHERE run_id IN (SELECT unnest($ids::VARCHAR[])) AND count > 0;

-- name: all_latest
SELECT run_id, key, last_step, last_time, last_value FROM series WHERE count > 0;

-- name: update_models
UPDATE logged_models
SET experiment_id = n.experiment_id, name = n.name, model_type = n.model_type, source_run_id = n.source_run_id,
    status = n.status, status_message = n.message, lifecycle_stage = 'active', artifact_location = n.location,
    last_updated_time = make_timestamp(n.updated * 1000)
FROM (SELECT unnest($model_id::VARCHAR[]) AS model_id, unnest($experiment_id::VARCHAR[]) AS experiment_id,
             unnest($name::VARCHAR[]) AS name, unnest($model_type::VARCHAR[]) AS model_type,
             unnest($source_run_id::VARCHAR[]) AS source_run_id, unnest($status::VARCHAR[]) AS status,
             unnest($message::VARCHAR[]) AS message, unnest($location::VARCHAR[]) AS location,
             unnest($updated::BIGINT[]) AS updated) n
WHERE logged_models.model_id = n.model_id;

-- name: remove_tags_of_models
DELETE FROM logged_model_tags WHERE model_id IN (SELECT unnest($ids::VARCHAR[]));

-- name: remove_metrics_of_models
DELETE FROM logged_model_metrics WHERE model_id IN (SELECT unnest($ids::VARCHAR[]));

-- name: active_models
SELECT model_id FROM logged_models
WHERE experiment_id IN (SELECT unnest($ids::VARCHAR[])) AND lifecycle_stage = 'active';

-- name: clear_registered_models
DELETE FROM registered_models;

-- name: clear_registered_model_tags
DELETE FROM registered_model_tags;

-- name: clear_registered_model_aliases
DELETE FROM registered_model_aliases;

-- name: clear_model_versions
DELETE FROM model_versions;

-- name: clear_model_version_tags
DELETE FROM model_version_tags;

-- name: add_registered_model
INSERT INTO registered_models
VALUES ($name, $description, $greatest, make_timestamp($created::BIGINT * 1000),
        make_timestamp($updated::BIGINT * 1000));

-- name: add_model_version
INSERT INTO model_versions
VALUES ($name, $version, $stage, $description, $user_id, $source, $storage, $run_id, $run_link, $model_id,
        $status, $message, make_timestamp($created::BIGINT * 1000), make_timestamp($updated::BIGINT * 1000));
