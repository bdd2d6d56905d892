-- What journals say about logged models.

-- name: add
INSERT INTO logged_models
SELECT n.model_id, n.experiment_id, n.name, n.model_type, n.source_run_id, n.status, NULL, 'active',
       n.artifact_location, make_timestamp(n.created * 1000), make_timestamp(n.created * 1000),
       n.host, n.pid, n.started, n.place
FROM (SELECT unnest($model_id::VARCHAR[]) AS model_id, unnest($experiment_id::VARCHAR[]) AS experiment_id,
             unnest($name::VARCHAR[]) AS name, unnest($model_type::VARCHAR[]) AS model_type,
             unnest($source_run_id::VARCHAR[]) AS source_run_id, unnest($status::VARCHAR[]) AS status,
             unnest($artifact_location::VARCHAR[]) AS artifact_location,
             unnest($created::BIGINT[]) AS created, unnest($host::VARCHAR[]) AS host,
             unnest($pid::BIGINT[]) AS pid, unnest($started::BIGINT[]) AS started,
             unnest($place::VARCHAR[]) AS place) n
WHERE NOT EXISTS (SELECT 1 FROM logged_models m WHERE m.model_id = n.model_id)

-- name: update
UPDATE logged_models
SET status = $status, status_message = $message,
    host = coalesce($host, host), pid = coalesce($pid, pid), process_start = coalesce($started, process_start),
    place = CASE WHEN $host IS NULL THEN place ELSE $place END,
    last_updated_time = greatest(last_updated_time, make_timestamp($time::BIGINT * 1000))
WHERE model_id = $model_id

-- name: differing_params
SELECT p.model_id, p.key, p.value, n.value
FROM logged_model_params p
JOIN (SELECT unnest($models::VARCHAR[]) AS model_id, unnest($keys::VARCHAR[]) AS key,
             unnest($values::VARCHAR[]) AS value) n
  ON p.model_id = n.model_id AND p.key = n.key AND p.value <> n.value

-- name: add_params
INSERT INTO logged_model_params
SELECT n.model_id, n.key, n.value
FROM (SELECT unnest($models::VARCHAR[]) AS model_id, unnest($keys::VARCHAR[]) AS key,
             unnest($values::VARCHAR[]) AS value) n
WHERE NOT EXISTS (SELECT 1 FROM logged_model_params p WHERE p.model_id = n.model_id AND p.key = n.key)

-- name: remove_tags
DELETE FROM logged_model_tags
WHERE EXISTS (SELECT 1 FROM (SELECT unnest($models::VARCHAR[]) AS model_id, unnest($keys::VARCHAR[]) AS key) n
              WHERE n.model_id = logged_model_tags.model_id AND n.key = logged_model_tags.key)

-- name: add_tags
INSERT INTO logged_model_tags SELECT unnest($models::VARCHAR[]), unnest($keys::VARCHAR[]), unnest($values::VARCHAR[])

-- name: remove_artifacts
DELETE FROM logged_model_artifacts
WHERE EXISTS (SELECT 1 FROM (SELECT unnest($models::VARCHAR[]) AS model_id, unnest($paths::VARCHAR[]) AS path) n
              WHERE n.model_id = logged_model_artifacts.model_id AND n.path = logged_model_artifacts.path)

-- name: add_artifacts
INSERT INTO logged_model_artifacts
SELECT unnest($models::VARCHAR[]), unnest($paths::VARCHAR[]), unnest($sizes::BIGINT[]), unnest($hashes::VARCHAR[]),
       make_timestamp(unnest($times::BIGINT[]) * 1000)

-- name: clear_artifacts
DELETE FROM logged_model_artifacts WHERE model_id IN (SELECT unnest($models::VARCHAR[]))

-- name: add_input
INSERT INTO model_inputs
SELECT $run_id, $model_id
WHERE NOT EXISTS (SELECT 1 FROM model_inputs i WHERE i.run_id = $run_id AND i.model_id = $model_id)

-- name: add_output
INSERT INTO model_outputs
SELECT $run_id, $model_id, $step
WHERE NOT EXISTS (SELECT 1 FROM model_outputs o WHERE o.run_id = $run_id AND o.model_id = $model_id)

-- name: unshare_metrics
-- a point that a run gave to one model by name is not that of the others that it made at the step
DELETE FROM logged_model_metrics
WHERE NOT direct
  AND EXISTS (SELECT 1 FROM (SELECT unnest($runs::VARCHAR[]) AS run_id, unnest($keys::VARCHAR[]) AS key,
                                    unnest($values::DOUBLE[]) AS value, unnest($steps::BIGINT[]) AS step,
                                    unnest($times::BIGINT[]) AS time) n
              WHERE n.run_id = logged_model_metrics.run_id AND n.key = logged_model_metrics.key
                AND n.step = logged_model_metrics.step AND n.time = logged_model_metrics.time
                AND n.value = logged_model_metrics.value)

-- name: add_metrics
INSERT INTO logged_model_metrics
SELECT DISTINCT n.*, true
FROM (SELECT unnest($models::VARCHAR[]) AS model_id, unnest($keys::VARCHAR[]) AS key,
             unnest($values::DOUBLE[]) AS value, unnest($steps::BIGINT[]) AS step,
             unnest($times::BIGINT[]) AS time, unnest($runs::VARCHAR[]) AS run_id,
             unnest($dataset_names::VARCHAR[]) AS dataset_name,
             unnest($dataset_digests::VARCHAR[]) AS dataset_digest) n
WHERE NOT EXISTS (SELECT 1 FROM logged_model_metrics m
                  WHERE m.model_id = n.model_id AND m.key = n.key AND m.step = n.step AND m.time = n.time
                    AND m.value = n.value AND m.run_id IS NOT DISTINCT FROM n.run_id
                    AND m.dataset_name IS NOT DISTINCT FROM n.dataset_name
                    AND m.dataset_digest IS NOT DISTINCT FROM n.dataset_digest)

-- name: has_outputs
SELECT 1 FROM model_outputs LIMIT 1

-- name: share_batch
-- the points of this fold that belong to what their run has made at their step
INSERT INTO logged_model_metrics
SELECT DISTINCT o.model_id, s.key, b.value, b.step, b.time, s.run_id, NULL, NULL, false
FROM (SELECT * REPLACE (coalesce(value, 'nan'::DOUBLE) AS value) FROM batch) b
JOIN series s ON s.series = b.series
JOIN model_outputs o ON o.run_id = s.run_id AND o.step = b.step
WHERE NOT EXISTS (SELECT 1 FROM logged_model_metrics m
                  WHERE m.run_id = s.run_id AND m.key = s.key AND m.step = b.step AND m.time = b.time
                    AND m.value = b.value AND (m.direct OR m.model_id = o.model_id))

-- name: share_points
-- the points that runs had already at the step of models that they have made now
INSERT INTO logged_model_metrics
SELECT DISTINCT o.model_id, s.key, p.value, p.step, p.time, s.run_id, NULL, NULL, false
FROM model_outputs o
JOIN series s ON s.run_id = o.run_id
JOIN points p ON p.series = s.series AND p.step = o.step
WHERE o.model_id IN (SELECT unnest($models::VARCHAR[]))
  AND NOT EXISTS (SELECT 1 FROM logged_model_metrics m
                  WHERE m.run_id = s.run_id AND m.key = s.key AND m.step = p.step AND m.time = p.time
                    AND m.value = p.value AND (m.direct OR m.model_id = o.model_id))

-- name: fail
UPDATE logged_models
SET status = 'FAILED', status_message = $message,
    last_updated_time = greatest(last_updated_time, make_timestamp($time::BIGINT * 1000))
WHERE model_id IN (SELECT unnest($models::VARCHAR[])) AND status = 'PENDING'
