-- Logged models and registered models that come from elsewhere. What is there already is left as it is.

-- name: known
SELECT model_id, experiment_id, artifact_location FROM logged_models
WHERE model_id IN (SELECT unnest($models::VARCHAR[]))

-- name: add
INSERT INTO logged_models
SELECT $model_id, $experiment_id, $name, $model_type, $source_run_id, $status, $message, $stage, $artifact_location,
       make_timestamp($created::BIGINT * 1000), make_timestamp($updated::BIGINT * 1000), NULL, NULL, NULL, NULL
WHERE NOT EXISTS (SELECT 1 FROM logged_models WHERE model_id = $model_id)

-- name: finish
UPDATE logged_models
SET status = $status, status_message = $message
WHERE model_id = $model_id AND status = 'PENDING' AND host IS NULL

-- name: add_tags
INSERT INTO logged_model_tags
SELECT n.model_id, n.key, n.value
FROM (SELECT unnest($models::VARCHAR[]) AS model_id, unnest($keys::VARCHAR[]) AS key,
             unnest($values::VARCHAR[]) AS value) n
WHERE NOT EXISTS (SELECT 1 FROM logged_model_tags t WHERE t.model_id = n.model_id AND t.key = n.key)

-- name: artifacts
SELECT path, size, epoch_ms(creation_time), sha256 FROM logged_model_artifacts WHERE model_id = $model_id

-- name: ids
SELECT model_id, lifecycle_stage, artifact_location FROM logged_models
WHERE experiment_id IN (SELECT unnest($experiments::VARCHAR[]))
ORDER BY creation_time, model_id

-- name: registered
SELECT name, description, greatest_version, epoch_ms(creation_time), epoch_ms(last_updated_time)
FROM registered_models ORDER BY name

-- name: add_registered
INSERT INTO registered_models
SELECT $name, $description, 0, make_timestamp($created::BIGINT * 1000), make_timestamp($updated::BIGINT * 1000)
WHERE NOT EXISTS (SELECT 1 FROM registered_models WHERE name = $name)

-- name: keep_numbers
-- a number that was given there, be it to a version that is deleted, is not given again
UPDATE registered_models SET greatest_version = greatest(greatest_version, $greatest) WHERE name = $name

-- name: add_registered_tag
INSERT INTO registered_model_tags
SELECT $name, $key, $value
WHERE NOT EXISTS (SELECT 1 FROM registered_model_tags WHERE name = $name AND key = $key)

-- name: add_alias
INSERT INTO registered_model_aliases
SELECT $name, $alias, $version
WHERE NOT EXISTS (SELECT 1 FROM registered_model_aliases WHERE name = $name AND alias = $alias)

-- name: versions
SELECT version, current_stage, description, user_id, source, storage_location, run_id, run_link, model_id, status,
       status_message, epoch_ms(creation_time), epoch_ms(last_updated_time)
FROM model_versions WHERE name = $name ORDER BY version

-- name: add_version
INSERT INTO model_versions
VALUES ($name, $version, $stage, $description, $user_id, $source, $storage_location, $run_id, $run_link, $model_id,
        $status, $message, make_timestamp($created::BIGINT * 1000), make_timestamp($updated::BIGINT * 1000))

-- name: add_version_tag
INSERT INTO model_version_tags
SELECT $name, $version, $key, $value
WHERE NOT EXISTS (SELECT 1 FROM model_version_tags WHERE name = $name AND version = $version AND key = $key)
