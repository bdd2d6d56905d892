-- What is shown of one run beside what `runs.sql` has.

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
