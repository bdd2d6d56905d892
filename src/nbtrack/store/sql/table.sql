-- What a table of runs needs. $experiment_ids is a list, or NULL for all experiments.

-- name: keys
-- each metric and param: how many runs have it, how many values, how many of them are numbers
WITH chosen AS (
    SELECT run_id FROM runs
    WHERE lifecycle_stage = 'active'
      AND ($experiment_ids::VARCHAR[] IS NULL OR list_contains($experiment_ids::VARCHAR[], experiment_id))
)
SELECT 'metrics' AS family, key, count(*) AS runs, count(DISTINCT last_value) AS different,
       count(*) AS numeric
FROM series WHERE run_id IN (FROM chosen)
GROUP BY key
UNION ALL
SELECT 'params', key, count(*), count(DISTINCT value), count(try_cast(value AS DOUBLE))
FROM params WHERE run_id IN (FROM chosen)
GROUP BY key
UNION ALL
SELECT 'tags', key, count(*), count(DISTINCT value), 0
FROM tags WHERE run_id IN (FROM chosen) AND NOT starts_with(key, 'mlflow.')
GROUP BY key
UNION ALL
SELECT '', '', count(*), count(DISTINCT experiment_id), count(*) FILTER (status = 'RUNNING')
FROM runs WHERE run_id IN (FROM chosen);

-- name: metrics
SELECT run_id, key, last_value
FROM series
WHERE run_id IN (SELECT unnest($run_ids::VARCHAR[]))
  AND key IN (SELECT unnest($keys::VARCHAR[]));

-- name: params
SELECT run_id, key, value
FROM params
WHERE run_id IN (SELECT unnest($run_ids::VARCHAR[]))
  AND key IN (SELECT unnest($keys::VARCHAR[]));

-- name: tags
SELECT run_id, key, value
FROM tags
WHERE run_id IN (SELECT unnest($run_ids::VARCHAR[]))
  AND key IN (SELECT unnest($keys::VARCHAR[]));

-- name: info
SELECT r.run_id, r.run_name, r.status, epoch_ms(r.start_time), epoch_ms(r.end_time),
       e.name, r.user_id
FROM runs r LEFT JOIN experiments e ON e.experiment_id = r.experiment_id
WHERE r.run_id IN (SELECT unnest($run_ids::VARCHAR[]));
