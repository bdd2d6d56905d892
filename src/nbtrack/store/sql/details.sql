-- What is shown of one run beside what `runs.sql` has, and the runs that it is compared with.

-- name: nested
SELECT r.run_id, r.run_name, r.status
FROM tags t JOIN runs r ON r.run_id = t.run_id
WHERE t.key = 'mlflow.parentRunId' AND t.value = $run_id AND r.lifecycle_stage = 'active'
ORDER BY r.start_time, r.run_id
LIMIT $limit;

-- name: link
SELECT run_id, run_name, status FROM runs WHERE run_id = $run_id;

-- name: experiment
SELECT name FROM experiments WHERE experiment_id = $experiment_id;

-- name: previous
-- one of the same name comes first, then one of the same cell, then one that has finished, then
-- the latest; what autologging has opened is compared with its like only
WITH same AS (
  SELECT t.run_id, bool_or(t.key = 'nbtrack.cell.id') AS cell,
         bool_or(t.key = 'mlflow.autologging') AS kind
  FROM tags own JOIN tags t ON t.key = own.key AND t.value = own.value
  WHERE own.run_id = $run_id AND own.key IN ('nbtrack.cell.id', 'mlflow.autologging')
  GROUP BY t.run_id
), opened AS (SELECT run_id FROM tags WHERE key = 'mlflow.autologging')
SELECT r.run_id
FROM runs r LEFT JOIN same ON same.run_id = r.run_id
WHERE r.experiment_id = $experiment_id AND r.lifecycle_stage = 'active'
  AND r.run_id <> $run_id AND r.status <> 'RUNNING'
  AND epoch_ms(r.start_time) <= $start_ms
  AND (r.run_name = $run_name OR coalesce(same.cell OR same.kind, false)
       OR r.run_id NOT IN (FROM opened) AND $run_id NOT IN (FROM opened))
  AND NOT EXISTS (SELECT 1 FROM tags t WHERE t.run_id = r.run_id AND t.key = 'mlflow.parentRunId'
                  AND t.value = $run_id)
ORDER BY r.run_name = $run_name DESC, coalesce(same.cell, false) DESC, r.status = 'FINISHED' DESC,
         r.start_time DESC, r.run_id
LIMIT 1;

-- name: best
SELECT r.run_id
FROM runs r JOIN series s ON s.run_id = r.run_id
WHERE r.experiment_id = $experiment_id AND r.lifecycle_stage = 'active'
  AND r.run_id <> $run_id AND r.status <> 'RUNNING' AND s.key = $key
  AND s.min_value IS NOT NULL
ORDER BY CASE WHEN $smallest THEN s.min_value ELSE -s.max_value END, r.start_time DESC
LIMIT 1;

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
