-- Registered models and their versions as a tree, and what is shown of one model.

-- name: models
SELECT m.name, m.description, epoch_ms(m.last_updated_time), count(v.version)
FROM registered_models m LEFT JOIN model_versions v ON v.name = m.name
GROUP BY m.name, m.description, m.last_updated_time
ORDER BY m.last_updated_time DESC, m.name;

-- name: versions
-- all versions with what words are looked for in, and what is needed to choose among them
SELECT v.name, v.version, v.current_stage, v.run_id, v.model_id, coalesce(l.name, ''),
       coalesce(list(a.alias ORDER BY a.alias) FILTER (a.alias IS NOT NULL), [])
FROM model_versions v
LEFT JOIN registered_model_aliases a ON a.name = v.name AND a.version = v.version
LEFT JOIN logged_models l ON l.model_id = v.model_id
GROUP BY v.name, v.version, v.current_stage, v.run_id, v.model_id, l.name
ORDER BY v.name, v.version DESC;

-- name: logged
SELECT count(*) FROM logged_models WHERE lifecycle_stage = 'active';

-- name: versions_of
SELECT model_id, name, version FROM model_versions
WHERE model_id IN (SELECT unnest($model_ids::VARCHAR[]))
ORDER BY name, version;

-- name: sizes
SELECT model_id, sum(size)::BIGINT FROM logged_model_artifacts
WHERE model_id IN (SELECT unnest($model_ids::VARCHAR[]))
GROUP BY model_id;
