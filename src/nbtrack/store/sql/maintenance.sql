-- name: deleted_runs
SELECT run_id, experiment_id, artifact_uri
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

-- name: remove_runs
DELETE FROM runs WHERE run_id IN (SELECT unnest($runs::VARCHAR[]))

-- name: empty_experiments
SELECT experiment_id FROM experiments e
WHERE lifecycle_stage = 'deleted' AND experiment_id <> '0'
  AND last_update_time <= make_timestamp($before::BIGINT * 1000)
  AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.experiment_id = e.experiment_id)

-- name: remove_experiment_tags
DELETE FROM experiment_tags WHERE experiment_id IN (SELECT unnest($experiments::VARCHAR[]))

-- name: remove_datasets
DELETE FROM datasets WHERE experiment_id IN (SELECT unnest($experiments::VARCHAR[]))

-- name: remove_experiments
DELETE FROM experiments WHERE experiment_id IN (SELECT unnest($experiments::VARCHAR[]))

-- name: runs_with_artifacts
SELECT run_id FROM runs

-- name: tables
SELECT table_name FROM duckdb_tables() WHERE database_name = 'store' AND schema_name = 'main' ORDER BY table_name
