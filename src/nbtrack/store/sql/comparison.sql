-- What a comparison of runs needs. $run_ids and $keys are lists; a value comes with the places of its
-- run and its key in them, so that no name travels more than once.

-- name: metrics
WITH chosen AS (
    SELECT unnest($run_ids::VARCHAR[]) AS run_id, generate_subscripts($run_ids::VARCHAR[], 1) - 1 AS row
), wanted AS (
    SELECT unnest($keys::VARCHAR[]) AS key, generate_subscripts($keys::VARCHAR[], 1) - 1 AS col
)
SELECT row, col, last_value AS number
FROM series JOIN chosen USING (run_id) JOIN wanted USING (key);

-- name: params
WITH chosen AS (
    SELECT unnest($run_ids::VARCHAR[]) AS run_id, generate_subscripts($run_ids::VARCHAR[], 1) - 1 AS row
), wanted AS (
    SELECT unnest($keys::VARCHAR[]) AS key, generate_subscripts($keys::VARCHAR[], 1) - 1 AS col
)
SELECT row, col, value AS text
FROM params JOIN chosen USING (run_id) JOIN wanted USING (key);

-- name: keys
-- what some runs have logged: how many of them, how many values, how many of these are numbers
WITH chosen AS (SELECT unnest($run_ids::VARCHAR[]) AS run_id)
SELECT 'params' AS family, key, count(*) AS runs, count(DISTINCT value) AS different,
       count(try_cast(value AS DOUBLE)) AS numeric
FROM params WHERE run_id IN (FROM chosen)
GROUP BY key
UNION ALL
SELECT 'metrics', key, count(*), count(DISTINCT last_value), count(*)
FROM series WHERE run_id IN (FROM chosen)
GROUP BY key
ORDER BY family DESC, key;

-- name: info
SELECT run_id, run_name, status, epoch_ms(start_time), epoch_ms(end_time)
FROM runs
WHERE run_id IN (SELECT unnest($run_ids::VARCHAR[]));

-- name: extents
SELECT key, last_value, min_value, max_value, last_step
FROM series
WHERE run_id = $run_id
ORDER BY key;
