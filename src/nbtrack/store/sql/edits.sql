-- What is changed on runs afterwards; $run_ids is a list.

-- name: existing
SELECT run_id FROM runs WHERE run_id IN (SELECT unnest($run_ids::VARCHAR[]));

-- name: interrupted
SELECT run_id FROM runs
WHERE run_id IN (SELECT unnest($run_ids::VARCHAR[])) AND status = 'INTERRUPTED';

-- name: remove_tag
DELETE FROM tags WHERE run_id IN (SELECT unnest($run_ids::VARCHAR[])) AND key = $key;

-- name: add_tag
INSERT INTO tags SELECT unnest($run_ids::VARCHAR[]), $key, $value;

-- name: rename
UPDATE runs SET run_name = $name WHERE run_id IN (SELECT unnest($run_ids::VARCHAR[]));

-- name: remove_param
DELETE FROM params WHERE run_id = $run_id AND key = $key;

-- name: remove_points
DELETE FROM points WHERE series IN (SELECT series FROM series WHERE run_id = $run_id AND key = $key);

-- name: remove_series
DELETE FROM series WHERE run_id = $run_id AND key = $key;

-- name: remove_shared_points
-- models that the run has made have its points at their step
DELETE FROM logged_model_metrics WHERE run_id = $run_id AND key = $key AND NOT direct;

-- name: experiment_tag
SELECT value FROM experiment_tags WHERE experiment_id = $experiment_id AND key = $key;
