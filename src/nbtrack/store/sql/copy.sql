-- Rows of one store on their way into another, in arrays for which {batch} stands. Templates: names of tables
-- and columns are those of store/bulk/rows.py.

-- name: rows
SELECT {columns} FROM {table} WHERE {owner} IN (SELECT unnest($owners::VARCHAR[]))

-- name: all_rows
SELECT * FROM {table}

-- name: add_rows
INSERT INTO {table} BY NAME
SELECT * FROM {batch} b
WHERE NOT EXISTS (SELECT 1 FROM {table} t WHERE {same})

-- name: differing
SELECT b.{owner}, b.key, t.value, b.value
FROM {batch} b JOIN {table} t ON {same}
WHERE t.value <> b.value
ORDER BY ALL

-- name: remove_differing
DELETE FROM tags
WHERE EXISTS (SELECT 1 FROM {batch} b WHERE b.run_id = tags.run_id AND b.key = tags.key AND b.value <> tags.value)

-- name: outdated
-- copies, which no process here has, of runs that went on where they belong
SELECT r.run_id
FROM runs r JOIN {batch} b ON b.run_id = r.run_id
WHERE r.host IS NULL
  AND CASE WHEN r.status IN ('RUNNING', 'SCHEDULED', 'INTERRUPTED')
           THEN r.status <> b.status OR b.end_time IS NULL OR b.end_time <> r.end_time
           ELSE b.end_time > r.end_time END

-- name: follow
UPDATE runs
SET status = b.status, run_name = b.run_name, end_time = b.end_time
FROM {batch} b
WHERE runs.run_id = b.run_id

-- name: digests
-- equal ones are of equal points, in whatever order; NaN equals NaN
SELECT s.run_id, s.key, count(*), bit_xor(hash(p.step, p.time, p.value))
FROM points p JOIN series s ON s.series = p.series
WHERE s.run_id IN (SELECT unnest($runs::VARCHAR[]))
GROUP BY s.run_id, s.key

-- name: finish_models
UPDATE logged_models
SET status = b.status, status_message = b.status_message,
    last_updated_time = greatest(logged_models.last_updated_time, b.last_updated_time)
FROM {batch} b
WHERE logged_models.model_id = b.model_id AND logged_models.status = 'PENDING' AND b.status <> 'PENDING'
  AND logged_models.host IS NULL

-- name: keep_numbers
-- a number that was given there, be it to a version that is deleted, is not given again
UPDATE registered_models SET greatest_version = b.greatest_version
FROM {batch} b
WHERE registered_models.name = b.name AND registered_models.greatest_version < b.greatest_version
