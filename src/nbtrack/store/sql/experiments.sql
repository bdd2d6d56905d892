-- name: by_id
SELECT experiment_id, name, artifact_location, lifecycle_stage, epoch_ms(creation_time), epoch_ms(last_update_time)
FROM experiments WHERE experiment_id = $experiment_id

-- name: by_name
SELECT experiment_id, name, artifact_location, lifecycle_stage, epoch_ms(creation_time), epoch_ms(last_update_time)
FROM experiments WHERE name = $name
ORDER BY lifecycle_stage, last_update_time DESC
LIMIT 1

-- name: tags
SELECT key, value FROM experiment_tags WHERE experiment_id = $experiment_id ORDER BY key

-- name: next_id
SELECT coalesce(max(try_cast(experiment_id AS BIGINT)), 0) + 1 FROM experiments

-- name: create
INSERT INTO experiments
VALUES ($experiment_id, $name, 'active', $artifact_location, make_timestamp($now::BIGINT * 1000),
        make_timestamp($now::BIGINT * 1000))

-- name: rename
UPDATE experiments SET name = $name, last_update_time = make_timestamp($now::BIGINT * 1000)
WHERE experiment_id = $experiment_id

-- name: set_stage
UPDATE experiments SET lifecycle_stage = $stage, last_update_time = make_timestamp($now::BIGINT * 1000)
WHERE experiment_id = $experiment_id

-- name: set_stage_of_runs
UPDATE runs
SET lifecycle_stage = $stage,
    deleted_time = CASE WHEN $stage = 'deleted' THEN make_timestamp($now::BIGINT * 1000) END
WHERE experiment_id = $experiment_id AND lifecycle_stage <> $stage

-- name: run_ids
SELECT run_id FROM runs WHERE experiment_id = $experiment_id

-- name: remove_tag
DELETE FROM experiment_tags WHERE experiment_id = $experiment_id AND key = $key

-- name: add_tag
INSERT INTO experiment_tags VALUES ($experiment_id, $key, $value)

-- name: set_stage_of_run
UPDATE runs
SET lifecycle_stage = $stage,
    deleted_time = CASE WHEN $stage = 'deleted' THEN make_timestamp($now::BIGINT * 1000) END
WHERE run_id = $run_id

-- name: run_owner
SELECT host, pid, process_start, place FROM runs WHERE run_id = $run_id

-- name: datasets
SELECT DISTINCT i.experiment_id, i.name, i.digest, i.tags
FROM inputs i JOIN runs r USING (run_id)
WHERE i.experiment_id IN (SELECT unnest($experiment_ids::VARCHAR[])) AND r.lifecycle_stage = 'active'
ORDER BY ALL
LIMIT 1000;

-- name: names
SELECT name FROM experiments WHERE lifecycle_stage = 'active' ORDER BY name
