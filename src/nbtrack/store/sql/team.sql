-- What a team store has besides a file's tables, and does otherwise.

-- name: make_guard
-- two changes at the same time both touch it: the catalog lets one of them in
CREATE TABLE IF NOT EXISTS nbtrack_guard AS SELECT 0::BIGINT AS changes

-- name: touch_guard
UPDATE nbtrack_guard SET changes = changes + 1

-- name: first_experiment
UPDATE experiments SET artifact_location = $location WHERE experiment_id = '0'

-- name: sort_points
-- files are written and merged in this order
ALTER TABLE points SET SORTED BY (series ASC, step ASC, time ASC)
