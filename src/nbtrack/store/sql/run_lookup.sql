-- Runs as people name them.

-- name: by_name
SELECT run_id, experiment_id
FROM runs
WHERE lifecycle_stage = 'active' AND run_name = $name
ORDER BY experiment_id = $experiment_id DESC, start_time DESC
LIMIT 1;

-- name: originals
SELECT
  run_id,
  start_time,
  count(*) OVER () AS named,
  EXISTS (SELECT 1 FROM tags t WHERE t.run_id = r.run_id AND t.key = 'nbtrack.rerun_of') AS again
FROM runs r
WHERE lifecycle_stage = 'active' AND run_name = $name
ORDER BY again, experiment_id = $experiment_id DESC, start_time DESC
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

-- name: named
SELECT run_id FROM runs WHERE run_name = $name ORDER BY start_time DESC LIMIT 1;
