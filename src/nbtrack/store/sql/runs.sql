-- Runs as they are; $run_ids is a list.

-- name: info
SELECT run_id, experiment_id, run_name, user_id, status, epoch_ms(start_time),
       epoch_ms(end_time), lifecycle_stage, artifact_uri
FROM runs
WHERE run_id IN (SELECT unnest($run_ids::VARCHAR[]));

-- name: metrics
SELECT run_id, key, last_value, last_time, last_step
FROM series
WHERE run_id IN (SELECT unnest($run_ids::VARCHAR[]))
ORDER BY key;

-- name: params
SELECT run_id, key, value
FROM params
WHERE run_id IN (SELECT unnest($run_ids::VARCHAR[]))
ORDER BY key;

-- name: tags
SELECT run_id, key, value
FROM tags
WHERE run_id IN (SELECT unnest($run_ids::VARCHAR[]))
ORDER BY key;

-- name: inputs
SELECT i.run_id, i.tags, d.name, d.digest, d.source_type, d.source, d.schema, d.profile
FROM inputs i JOIN datasets d USING (experiment_id, name, digest)
WHERE i.run_id IN (SELECT unnest($run_ids::VARCHAR[]))
ORDER BY d.name, d.digest;
