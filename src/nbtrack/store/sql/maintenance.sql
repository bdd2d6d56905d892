-- name: deleted_runs
-- artifacts that have stayed with another tracker are not ours to remove
SELECT run_id, run_name, experiment_id,
       CASE WHEN EXISTS (SELECT 1 FROM tags t WHERE t.run_id = runs.run_id AND t.key = 'nbtrack.artifacts_elsewhere')
            THEN NULL ELSE artifact_uri END
FROM runs
WHERE lifecycle_stage = 'deleted' AND deleted_time <= make_timestamp($before::BIGINT * 1000)

-- name: remove_points
DELETE FROM points WHERE series IN (SELECT series FROM series WHERE run_id IN (SELECT unnest($runs::VARCHAR[])))

-- name: remove_series
DELETE FROM series WHERE run_id IN (SELECT unnest($runs::VARCHAR[]))

-- name: remove_params
DELETE FROM params WHERE run_id IN (SELECT unnest($runs::VARCHAR[]))

-- name: remove_tags
DELETE FROM tags WHERE run_id IN (SELECT unnest($runs::VARCHAR[]))

-- name: remove_artifacts
DELETE FROM artifacts WHERE run_id IN (SELECT unnest($runs::VARCHAR[]))

-- name: remove_inputs
DELETE FROM inputs WHERE run_id IN (SELECT unnest($runs::VARCHAR[]))

-- name: remove_model_inputs
DELETE FROM model_inputs WHERE run_id IN (SELECT unnest($runs::VARCHAR[]))

-- name: remove_model_outputs
DELETE FROM model_outputs WHERE run_id IN (SELECT unnest($runs::VARCHAR[]))

-- name: remove_runs
DELETE FROM runs WHERE run_id IN (SELECT unnest($runs::VARCHAR[]))

-- name: deleted_experiments
SELECT experiment_id, name FROM experiments
WHERE lifecycle_stage = 'deleted' AND experiment_id <> '0'
  AND last_update_time <= make_timestamp($before::BIGINT * 1000)

-- name: owners
SELECT experiment_id, run_id FROM runs WHERE experiment_id IN (SELECT unnest($experiments::VARCHAR[]))
UNION ALL
SELECT experiment_id, model_id FROM logged_models WHERE experiment_id IN (SELECT unnest($experiments::VARCHAR[]))

-- name: stages_of_runs
SELECT run_id, lifecycle_stage FROM runs WHERE run_id IN (SELECT unnest($ids::VARCHAR[]))

-- name: stages_of_experiments
SELECT experiment_id, lifecycle_stage FROM experiments WHERE experiment_id IN (SELECT unnest($ids::VARCHAR[]))

-- name: stages_of_models
SELECT model_id, lifecycle_stage FROM logged_models WHERE model_id IN (SELECT unnest($ids::VARCHAR[]))

-- name: remove_experiment_tags
DELETE FROM experiment_tags WHERE experiment_id IN (SELECT unnest($experiments::VARCHAR[]))

-- name: remove_datasets
DELETE FROM datasets WHERE experiment_id IN (SELECT unnest($experiments::VARCHAR[]))

-- name: remove_experiments
DELETE FROM experiments WHERE experiment_id IN (SELECT unnest($experiments::VARCHAR[]))

-- name: with_artifacts
-- a model that failed before its files were recorded has none that are of use
SELECT run_id FROM runs
UNION ALL
SELECT model_id FROM logged_models
WHERE status <> 'FAILED' OR model_id IN (SELECT model_id FROM logged_model_artifacts)

-- name: places
-- where artifacts are that are not at the usual place
SELECT artifact_uri FROM runs WHERE artifact_uri <> 'artifacts/' || experiment_id || '/' || run_id
UNION
SELECT artifact_location FROM logged_models WHERE artifact_location IS NOT NULL
UNION
SELECT artifact_location FROM experiments WHERE artifact_location IS NOT NULL
UNION
SELECT storage_location FROM model_versions WHERE storage_location IS NOT NULL

-- name: deleted_models
-- what is registered stays, so that its versions can be loaded
SELECT m.model_id, m.name, m.experiment_id, m.artifact_location
FROM logged_models m
WHERE ((m.lifecycle_stage = 'deleted' AND m.last_updated_time <= make_timestamp($before::BIGINT * 1000))
       OR m.experiment_id IN (SELECT experiment_id FROM experiments
                              WHERE lifecycle_stage = 'deleted'
                                AND last_update_time <= make_timestamp($before::BIGINT * 1000)))
  AND NOT EXISTS (SELECT 1 FROM model_versions v WHERE v.model_id = m.model_id)

-- name: remove_params_of_models
DELETE FROM logged_model_params WHERE model_id IN (SELECT unnest($models::VARCHAR[]))

-- name: remove_tags_of_models
DELETE FROM logged_model_tags WHERE model_id IN (SELECT unnest($models::VARCHAR[]))

-- name: remove_metrics_of_models
DELETE FROM logged_model_metrics WHERE model_id IN (SELECT unnest($models::VARCHAR[]))

-- name: remove_artifacts_of_models
DELETE FROM logged_model_artifacts WHERE model_id IN (SELECT unnest($models::VARCHAR[]))

-- name: remove_inputs_of_models
DELETE FROM model_inputs WHERE model_id IN (SELECT unnest($models::VARCHAR[]))

-- name: remove_outputs_of_models
DELETE FROM model_outputs WHERE model_id IN (SELECT unnest($models::VARCHAR[]))

-- name: remove_rows_of_models
DELETE FROM logged_models WHERE model_id IN (SELECT unnest($models::VARCHAR[]))

-- name: tables
SELECT table_name FROM duckdb_tables() WHERE database_name = 'store' AND schema_name = 'main' ORDER BY table_name
