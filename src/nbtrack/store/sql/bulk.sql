-- Rows that come from elsewhere in bulk. Each statement adds what is not there yet, and leaves what is.

-- name: known_runs
SELECT run_id, experiment_id, artifact_uri, lifecycle_stage
FROM runs WHERE run_id IN (SELECT unnest($runs::VARCHAR[]))

-- name: active_experiment
SELECT experiment_id, artifact_location FROM experiments
WHERE name = $name AND lifecycle_stage = 'active'

-- name: deleted_experiment
-- the same one, come from the same place or made at the same moment
SELECT e.experiment_id, e.artifact_location
FROM experiments e
WHERE e.name = $name AND e.lifecycle_stage = 'deleted'
  AND (epoch_ms(e.creation_time) = $created
       OR EXISTS (SELECT 1 FROM experiment_tags t
                  WHERE t.experiment_id = e.experiment_id AND t.key = $key AND t.value = $value))

-- name: is_free
SELECT NOT EXISTS (SELECT 1 FROM experiments WHERE experiment_id = $experiment_id)

-- name: add_experiment
INSERT INTO experiments
VALUES ($experiment_id, $name, $stage, NULL, make_timestamp($created::BIGINT * 1000),
        make_timestamp($updated::BIGINT * 1000))

-- name: add_experiment_tag
INSERT INTO experiment_tags
SELECT $experiment_id, $key, $value
WHERE NOT EXISTS (SELECT 1 FROM experiment_tags WHERE experiment_id = $experiment_id AND key = $key)

-- name: add_runs
INSERT INTO runs
SELECT n.run_id, n.experiment_id, n.run_name, n.status, make_timestamp(n.start_time * 1000),
       make_timestamp(n.end_time * 1000), n.user_id, n.stage, make_timestamp(n.deleted_time * 1000), n.artifact_uri,
       NULL, NULL, NULL, NULL
FROM (SELECT unnest($run_id::VARCHAR[]) AS run_id, unnest($experiment_id::VARCHAR[]) AS experiment_id,
             unnest($run_name::VARCHAR[]) AS run_name, unnest($status::VARCHAR[]) AS status,
             unnest($start_time::BIGINT[]) AS start_time, unnest($end_time::BIGINT[]) AS end_time,
             unnest($user_id::VARCHAR[]) AS user_id, unnest($stage::VARCHAR[]) AS stage,
             unnest($deleted_time::BIGINT[]) AS deleted_time, unnest($artifact_uri::VARCHAR[]) AS artifact_uri) n
WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.run_id = n.run_id)

-- name: end_runs
-- those that had come before they ended; a run that a process of ours has is its own
UPDATE runs
SET status = n.status, end_time = make_timestamp(n.end_time * 1000)
FROM (SELECT unnest($run_id::VARCHAR[]) AS run_id, unnest($status::VARCHAR[]) AS status,
             unnest($end_time::BIGINT[]) AS end_time) n
WHERE runs.run_id = n.run_id AND runs.host IS NULL AND runs.status IN ('RUNNING', 'SCHEDULED', 'INTERRUPTED')
  AND (runs.status <> n.status OR n.end_time IS NOT NULL)

-- name: add_tags
INSERT INTO tags
SELECT n.run_id, n.key, n.value
FROM (SELECT unnest($runs::VARCHAR[]) AS run_id, unnest($keys::VARCHAR[]) AS key,
             unnest($values::VARCHAR[]) AS value) n
WHERE NOT EXISTS (SELECT 1 FROM tags t WHERE t.run_id = n.run_id AND t.key = n.key)

-- name: stop_at_last_point
-- runs that nobody goes on with here end with the last that is known of them
UPDATE runs
SET end_time = greatest(start_time, coalesce(
        (SELECT make_timestamp(max(s.max_time) * 1000) FROM series s WHERE s.run_id = runs.run_id AND s.count > 0),
        start_time))
WHERE run_id IN (SELECT unnest($runs::VARCHAR[])) AND status = 'INTERRUPTED' AND host IS NULL

-- name: artifacts_of_runs
SELECT run_id, path, size, epoch_ms(creation_time), sha256 FROM artifacts WHERE run_id IN (SELECT unnest($runs::VARCHAR[]))

-- name: has_points
SELECT series FROM series WHERE series IN (SELECT unnest($series::BIGINT[])) AND count > 0

-- name: new_points
-- identical points count once; NaN equals NaN
SELECT b.series, b.step, b.time, coalesce(b.value, 'nan'::DOUBLE) AS value
FROM batch b
WHERE NOT EXISTS (SELECT 1 FROM points p
                  WHERE p.series IN (SELECT unnest($series::BIGINT[]))
                    AND p.series = b.series AND p.step = b.step AND p.time = b.time
                    AND p.value = coalesce(b.value, 'nan'::DOUBLE))

-- name: experiments
SELECT experiment_id, name, lifecycle_stage, artifact_location, epoch_ms(creation_time), epoch_ms(last_update_time)
FROM experiments ORDER BY try_cast(experiment_id AS BIGINT), experiment_id

-- name: experiment_tags
SELECT experiment_id, key, value FROM experiment_tags ORDER BY key

-- name: run_ids
SELECT run_id, epoch_ms(deleted_time), artifact_uri FROM runs
WHERE experiment_id IN (SELECT unnest($experiments::VARCHAR[]))
ORDER BY start_time, run_id

-- name: series_of_runs
SELECT series, run_id, key, count FROM series
WHERE count > 0 AND run_id IN (SELECT unnest($runs::VARCHAR[])) ORDER BY series

-- name: points_of_series
SELECT series, step, time, value FROM points
WHERE series BETWEEN $first AND $last AND series IN (SELECT unnest($series::BIGINT[]))
