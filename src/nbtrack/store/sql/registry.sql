-- The model registry. What is unique is written under the lock of the store.

-- name: models
SELECT name, epoch_ms(creation_time), epoch_ms(last_updated_time), description
FROM registered_models
WHERE name IN (SELECT unnest($names::VARCHAR[]));

-- name: tags
SELECT name, key, value FROM registered_model_tags
WHERE name IN (SELECT unnest($names::VARCHAR[]))
ORDER BY key;

-- name: aliases
SELECT name, alias, version FROM registered_model_aliases
WHERE name IN (SELECT unnest($names::VARCHAR[]))
ORDER BY alias;

-- name: latest
-- the greatest version of each stage of each model
SELECT name, max(version) FROM model_versions
WHERE name IN (SELECT unnest($names::VARCHAR[]))
GROUP BY name, current_stage
ORDER BY name, max(version);

-- name: versions
SELECT v.name, v.version, epoch_ms(v.creation_time), epoch_ms(v.last_updated_time), v.description, v.user_id,
       v.current_stage, v.source, v.run_id, v.status, v.status_message, v.run_link, v.model_id
FROM model_versions v
JOIN (SELECT unnest($names::VARCHAR[]) AS name, unnest($versions::BIGINT[]) AS version) n
  ON n.name = v.name AND n.version = v.version;

-- name: version_tags
SELECT t.name, t.version, t.key, t.value
FROM model_version_tags t
WHERE t.name IN (SELECT unnest($names::VARCHAR[])) AND t.version IN (SELECT unnest($versions::BIGINT[]))
ORDER BY t.key;

-- name: storage
SELECT storage_location, model_id FROM model_versions WHERE name = $name AND version = $version;

-- name: of_model
SELECT name, version FROM model_versions WHERE model_id = $model_id ORDER BY name, version;

-- name: of_run
SELECT name, version FROM model_versions WHERE run_id = $run_id ORDER BY name, version;

-- name: create
INSERT INTO registered_models
VALUES ($name, $description, 0, make_timestamp($now::BIGINT * 1000), make_timestamp($now::BIGINT * 1000));

-- name: touch
UPDATE registered_models SET last_updated_time = make_timestamp($now::BIGINT * 1000) WHERE name = $name;

-- name: describe
UPDATE registered_models
SET description = $description, last_updated_time = make_timestamp($now::BIGINT * 1000)
WHERE name = $name;

-- name: rename_model
UPDATE registered_models
SET name = $new_name, last_updated_time = make_timestamp($now::BIGINT * 1000)
WHERE name = $name;

-- name: rename_versions
UPDATE model_versions
SET name = $new_name, last_updated_time = make_timestamp($now::BIGINT * 1000)
WHERE name = $name;

-- name: rename_tags
UPDATE registered_model_tags SET name = $new_name WHERE name = $name;

-- name: rename_aliases
UPDATE registered_model_aliases SET name = $new_name WHERE name = $name;

-- name: rename_version_tags
UPDATE model_version_tags SET name = $new_name WHERE name = $name;

-- name: delete_models
DELETE FROM registered_models WHERE name = $name;

-- name: delete_versions
DELETE FROM model_versions WHERE name = $name;

-- name: delete_tags
DELETE FROM registered_model_tags WHERE name = $name;

-- name: delete_aliases
DELETE FROM registered_model_aliases WHERE name = $name;

-- name: delete_version_tags
DELETE FROM model_version_tags WHERE name = $name;

-- name: remove_tag
DELETE FROM registered_model_tags WHERE name = $name AND key = $key;

-- name: add_tag
INSERT INTO registered_model_tags VALUES ($name, $key, $value);

-- name: remove_alias
DELETE FROM registered_model_aliases WHERE name = $name AND alias = $alias;

-- name: add_alias
INSERT INTO registered_model_aliases VALUES ($name, $alias, $version);

-- name: by_alias
SELECT version FROM registered_model_aliases WHERE name = $name AND alias = $alias;

-- name: count_version
UPDATE registered_models
SET greatest_version = greatest_version + 1, last_updated_time = make_timestamp($now::BIGINT * 1000)
WHERE name = $name;

-- name: greatest_version
SELECT greatest_version FROM registered_models WHERE name = $name;

-- name: create_version
INSERT INTO model_versions
VALUES ($name, $version, 'None', $description, $user_id, $source, $storage_location, $run_id, $run_link, $model_id,
        'READY', NULL, make_timestamp($now::BIGINT * 1000), make_timestamp($now::BIGINT * 1000));

-- name: set_version_description
UPDATE model_versions
SET description = $description, last_updated_time = make_timestamp($now::BIGINT * 1000)
WHERE name = $name AND version = $version;

-- name: archive_others
UPDATE model_versions
SET current_stage = 'Archived', last_updated_time = make_timestamp($now::BIGINT * 1000)
WHERE name = $name AND version <> $version AND current_stage = $stage;

-- name: transition_stage
UPDATE model_versions
SET current_stage = $stage, last_updated_time = make_timestamp($now::BIGINT * 1000)
WHERE name = $name AND version = $version;

-- name: delete_version
DELETE FROM model_versions WHERE name = $name AND version = $version;

-- name: delete_tags_of_version
DELETE FROM model_version_tags WHERE name = $name AND version = $version;

-- name: delete_aliases_of_version
DELETE FROM registered_model_aliases WHERE name = $name AND version = $version;

-- name: remove_version_tag
DELETE FROM model_version_tags WHERE name = $name AND version = $version AND key = $key;

-- name: add_version_tag
INSERT INTO model_version_tags VALUES ($name, $version, $key, $value);

-- name: model_tag
SELECT value FROM logged_model_tags WHERE model_id = $model_id AND key = $key;

-- name: remove_model_tag
DELETE FROM logged_model_tags WHERE model_id = $model_id AND key = $key;

-- name: add_model_tag
INSERT INTO logged_model_tags VALUES ($model_id, $key, $value);

-- name: names
SELECT name FROM registered_models ORDER BY name;
