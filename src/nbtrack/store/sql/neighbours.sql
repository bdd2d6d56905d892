-- Runs beside a run: the one before it, the best one, those that people name.

-- name: previous
-- one of the same name comes first, then one that has finished, then the latest
SELECT r.run_id
FROM runs r
WHERE r.experiment_id = $experiment_id AND r.lifecycle_stage = 'active'
  AND r.run_id <> $run_id AND r.status <> 'RUNNING'
  AND epoch_ms(r.start_time) <= $start_ms
  AND NOT EXISTS (SELECT 1 FROM tags t WHERE t.run_id = r.run_id AND t.key = 'mlflow.parentRunId'
                  AND t.value = $run_id)
ORDER BY r.run_name = $run_name DESC, r.status = 'FINISHED' DESC, r.start_time DESC, r.run_id
LIMIT 1;

-- name: best
SELECT r.run_id
FROM runs r JOIN series s ON s.run_id = r.run_id
WHERE r.experiment_id = $experiment_id AND r.lifecycle_stage = 'active'
  AND r.run_id <> $run_id AND r.status <> 'RUNNING' AND s.key = $key
  AND s.min_value IS NOT NULL
ORDER BY CASE WHEN $smallest THEN s.min_value ELSE -s.max_value END, r.start_time DESC
LIMIT 1;

-- name: extents
SELECT key, count, last_step, min_step, max_step
FROM series
WHERE run_id = $run_id;

-- name: by_name
SELECT run_id
FROM runs
WHERE lifecycle_stage = 'active' AND run_name = $name
ORDER BY experiment_id = $experiment_id DESC, start_time DESC
LIMIT 1;

-- name: by_id
SELECT run_id FROM runs WHERE run_id = $name OR starts_with(run_id, $name) LIMIT 2;

-- name: latest_names
SELECT run_name
FROM runs
WHERE lifecycle_stage = 'active'
GROUP BY run_name
ORDER BY max(start_time) DESC
LIMIT $limit;

-- name: earlier
SELECT r.run_id, s.last_step
FROM runs r JOIN series s ON s.run_id = r.run_id
WHERE r.experiment_id = $experiment_id AND r.lifecycle_stage = 'active'
  AND r.status = 'FINISHED' AND r.run_id <> $run_id AND s.key = $key
  AND epoch_ms(r.start_time) <= $start_ms
ORDER BY r.start_time DESC, r.run_id
LIMIT $limit;

-- name: means
SELECT s.run_id, p.step // $width AS bucket, avg(p.value)
FROM points p JOIN series s ON s.series = p.series
WHERE p.series IN (SELECT series FROM series WHERE key = $key
                   AND run_id IN (SELECT unnest($run_ids::VARCHAR[])))
  AND isfinite(p.value) AND p.step >= 0
GROUP BY ALL;
