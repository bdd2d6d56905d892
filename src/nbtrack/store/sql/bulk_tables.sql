-- What an export writes: the public tables, of some experiments.

-- name: experiments
SELECT * FROM experiments
WHERE experiment_id IN (SELECT unnest($experiments::VARCHAR[]))

-- name: experiment_tags
SELECT * FROM experiment_tags
WHERE experiment_id IN (SELECT unnest($experiments::VARCHAR[]))

-- name: runs
SELECT * FROM runs
WHERE experiment_id IN (SELECT unnest($experiments::VARCHAR[]))

-- name: params
SELECT * FROM params
WHERE run_id IN (SELECT run_id FROM runs WHERE experiment_id IN (SELECT unnest($experiments::VARCHAR[])))

-- name: tags
SELECT * FROM tags
WHERE run_id IN (SELECT run_id FROM runs WHERE experiment_id IN (SELECT unnest($experiments::VARCHAR[])))

-- name: metrics
SELECT * FROM metrics
WHERE run_id IN (SELECT run_id FROM runs WHERE experiment_id IN (SELECT unnest($experiments::VARCHAR[]))) ORDER BY run_id, key, step, timestamp

-- name: latest
SELECT * FROM latest
WHERE run_id IN (SELECT run_id FROM runs WHERE experiment_id IN (SELECT unnest($experiments::VARCHAR[])))

-- name: artifacts
SELECT * FROM artifacts
WHERE run_id IN (SELECT run_id FROM runs WHERE experiment_id IN (SELECT unnest($experiments::VARCHAR[])))

-- name: datasets
SELECT * FROM datasets
WHERE experiment_id IN (SELECT unnest($experiments::VARCHAR[]))

-- name: inputs
SELECT * FROM inputs
WHERE experiment_id IN (SELECT unnest($experiments::VARCHAR[]))

-- name: logged_models
SELECT * FROM logged_models
WHERE experiment_id IN (SELECT unnest($experiments::VARCHAR[]))

-- name: logged_model_params
SELECT * FROM logged_model_params
WHERE model_id IN (SELECT model_id FROM logged_models WHERE experiment_id IN (SELECT unnest($experiments::VARCHAR[])))

-- name: logged_model_tags
SELECT * FROM logged_model_tags
WHERE model_id IN (SELECT model_id FROM logged_models WHERE experiment_id IN (SELECT unnest($experiments::VARCHAR[])))

-- name: logged_model_metrics
SELECT * FROM logged_model_metrics
WHERE model_id IN (SELECT model_id FROM logged_models WHERE experiment_id IN (SELECT unnest($experiments::VARCHAR[])))

-- name: model_inputs
SELECT * FROM model_inputs
WHERE run_id IN (SELECT run_id FROM runs WHERE experiment_id IN (SELECT unnest($experiments::VARCHAR[])))

-- name: model_outputs
SELECT * FROM model_outputs
WHERE run_id IN (SELECT run_id FROM runs WHERE experiment_id IN (SELECT unnest($experiments::VARCHAR[])))

-- name: registered_models
SELECT * FROM registered_models

-- name: model_versions
SELECT * FROM model_versions

-- name: registered_model_aliases
SELECT * FROM registered_model_aliases

-- name: parquet_rows
SELECT coalesce(sum(num_rows), 0) FROM parquet_file_metadata($file);

-- name: parquet_columns
SELECT * FROM read_parquet($file);
