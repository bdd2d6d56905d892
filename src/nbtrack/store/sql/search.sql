-- Searches. {joins}, {condition} and {order} are fragments of store/search/sql.py,
-- which hold no values.

-- name: runs
SELECT t.run_id, count(*) OVER () AS total
FROM runs t {joins}
WHERE t.lifecycle_stage IN (SELECT unnest($stages::VARCHAR[]))
  AND ($experiments::VARCHAR[] IS NULL OR list_contains($experiments::VARCHAR[], t.experiment_id))
  AND {condition}
ORDER BY {order}
LIMIT $limit OFFSET $offset;

-- name: count_runs
SELECT count(*)
FROM runs t
WHERE t.lifecycle_stage IN (SELECT unnest($stages::VARCHAR[]))
  AND ($experiments::VARCHAR[] IS NULL OR list_contains($experiments::VARCHAR[], t.experiment_id))
  AND {condition};

-- name: experiments
SELECT t.experiment_id, t.name, t.lifecycle_stage, t.artifact_location,
       epoch_ms(t.creation_time), epoch_ms(t.last_update_time)
FROM experiments t {joins}
WHERE t.lifecycle_stage IN (SELECT unnest($stages::VARCHAR[]))
  AND {condition}
ORDER BY {order}
LIMIT $limit OFFSET $offset;

-- name: experiment_tags
SELECT experiment_id, key, value
FROM experiment_tags
WHERE experiment_id IN (SELECT unnest($experiment_ids::VARCHAR[]))
ORDER BY key;
