-- What a data frame of runs needs; $run_ids is a list.

-- name: metrics
SELECT run_id, key, last_value AS last, min_value AS min, max_value AS max, count
FROM series
WHERE run_id IN (SELECT unnest($run_ids::VARCHAR[]));

-- name: params
SELECT run_id, key, value FROM params WHERE run_id IN (SELECT unnest($run_ids::VARCHAR[]));

-- name: tags
SELECT run_id, key, value FROM tags WHERE run_id IN (SELECT unnest($run_ids::VARCHAR[]));
