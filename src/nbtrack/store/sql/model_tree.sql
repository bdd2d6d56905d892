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

-- name: run_names
SELECT run_id, run_name FROM runs WHERE run_id IN (SELECT unnest($run_ids::VARCHAR[]));

-- name: versions_of
SELECT model_id, name, version FROM model_versions
WHERE model_id IN (SELECT unnest($model_ids::VARCHAR[]))
ORDER BY name, version;

-- name: sizes
SELECT model_id, sum(size)::BIGINT FROM logged_model_artifacts
WHERE model_id IN (SELECT unnest($model_ids::VARCHAR[]))
GROUP BY model_id;

-- name: of_runs
-- what the runs of models that were made at no step of their own have logged last, and whether that is
-- later than the model
SELECT m.model_id, s.key, s.last_value, s.last_step, s.max_time > epoch_ms(m.creation_time)
FROM logged_models m
JOIN model_outputs o ON o.model_id = m.model_id AND o.run_id = m.source_run_id AND o.step = 0
JOIN series s ON s.run_id = m.source_run_id
WHERE m.model_id IN (SELECT unnest($model_ids::VARCHAR[])) AND s.count > 0 AND NOT starts_with(s.key, 'system/');

-- name: of_runs_before
-- the same as it was when the model was made
SELECT m.model_id, s.key, arg_max(p.value, (p.step, p.time)), max(p.step)
FROM logged_models m
JOIN series s ON s.run_id = m.source_run_id
JOIN points p ON p.series = s.series AND p.time <= epoch_ms(m.creation_time)
WHERE m.model_id IN (SELECT unnest($model_ids::VARCHAR[])) AND s.key IN (SELECT unnest($keys::VARCHAR[]))
GROUP BY m.model_id, s.key;
