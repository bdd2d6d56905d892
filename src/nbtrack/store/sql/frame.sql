-- Runs as a table; $run_ids is a list, and place the position of a run in it.

-- name: info
SELECT r.run_id, r.experiment_id, r.status, r.artifact_uri,
       epoch_ms(r.start_time) AS start_time, epoch_ms(r.end_time) AS end_time
FROM runs r
JOIN (SELECT unnest($run_ids::VARCHAR[]) AS run_id,
             generate_subscripts($run_ids::VARCHAR[], 1) AS place) USING (run_id)
ORDER BY place;

-- name: metrics
SELECT key, list(place - 1) AS places, list(last_value) AS last, list(min_value) AS min,
       list(max_value) AS max, list(count) AS count
FROM series
JOIN (SELECT unnest($run_ids::VARCHAR[]) AS run_id,
             generate_subscripts($run_ids::VARCHAR[], 1) AS place) USING (run_id)
WHERE count > 0
GROUP BY key
ORDER BY min(place), key;

-- name: params
SELECT key, list(place - 1) AS places, list(value) AS texts
FROM params
JOIN (SELECT unnest($run_ids::VARCHAR[]) AS run_id,
             generate_subscripts($run_ids::VARCHAR[], 1) AS place) USING (run_id)
GROUP BY key
ORDER BY min(place), key;

-- name: tags
SELECT key, list(place - 1) AS places, list(value) AS texts
FROM tags
JOIN (SELECT unnest($run_ids::VARCHAR[]) AS run_id,
             generate_subscripts($run_ids::VARCHAR[], 1) AS place) USING (run_id)
GROUP BY key
ORDER BY min(place), key;
