-- Logged models as they are; $model_ids is a list.

-- name: info
SELECT experiment_id, model_id, name, artifact_location, epoch_ms(creation_time), epoch_ms(last_updated_time),
       model_type, source_run_id, status, status_message
FROM logged_models
WHERE model_id IN (SELECT unnest($model_ids::VARCHAR[])) AND ($deleted OR lifecycle_stage = 'active');

-- name: params
SELECT model_id, key, value
FROM logged_model_params
WHERE model_id IN (SELECT unnest($model_ids::VARCHAR[]))
ORDER BY key;

-- name: tags
SELECT model_id, key, value
FROM logged_model_tags
WHERE model_id IN (SELECT unnest($model_ids::VARCHAR[]))
ORDER BY key;

-- name: metrics
SELECT key, value, time, step, model_id, dataset_name, dataset_digest, run_id
FROM logged_model_metrics
WHERE model_id IN (SELECT unnest($model_ids::VARCHAR[]))
ORDER BY key, step, time, value;

-- name: artifacts
SELECT path, size, sha256 FROM logged_model_artifacts WHERE model_id = $model_id ORDER BY path;

-- name: run_artifacts
SELECT path, size, sha256 FROM artifacts WHERE run_id = $run_id ORDER BY path;

-- name: of_run
-- what a run has made, the one of the greatest step last
SELECT m.model_id, m.name, coalesce(o.step, 0)
FROM logged_models m
LEFT JOIN model_outputs o ON o.model_id = m.model_id AND o.run_id = $run_id
WHERE m.source_run_id = $run_id AND m.lifecycle_stage = 'active'
ORDER BY coalesce(o.step, 0), m.creation_time, m.model_id;

-- name: by_name
SELECT model_id FROM logged_models
WHERE name = $name AND experiment_id = $experiment_id AND lifecycle_stage = 'active'
ORDER BY creation_time DESC, model_id;

-- name: links
-- the models that runs have read (without a step) and made
SELECT run_id, model_id, NULL AS step FROM model_inputs
WHERE run_id IN (SELECT unnest($run_ids::VARCHAR[]))
UNION ALL
SELECT run_id, model_id, step FROM model_outputs
WHERE run_id IN (SELECT unnest($run_ids::VARCHAR[]))
ORDER BY step, model_id;

-- name: delete
UPDATE logged_models
SET lifecycle_stage = 'deleted', last_updated_time = make_timestamp($now::BIGINT * 1000)
WHERE model_id = $model_id;

-- name: uris
-- every model that has files: logged ones, artifacts of runs that are models, versions of anything else
SELECT 'models:/' || model_id AS uri FROM logged_models WHERE lifecycle_stage = 'active'
UNION ALL
SELECT 'runs:/' || run_id || '/' || left(path, length(path) - length('/MLmodel')) FROM artifacts
WHERE path LIKE '%/MLmodel'
UNION ALL
SELECT 'models:/' || name || '/' || version FROM model_versions WHERE model_id IS NULL
ORDER BY uri;
