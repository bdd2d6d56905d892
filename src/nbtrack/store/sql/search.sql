-- Searches. What stands in braces is a fixed fragment, chosen by store/search/sql.py:
-- names of tables and columns, placeholders, and conditions made of the fragments here.
-- Values are always bound. The searched table is t.

-- name: runs
SELECT {columns}
FROM runs t {joins}
WHERE {condition}
ORDER BY {order}
LIMIT $limit OFFSET $offset;

-- name: id_columns
t.run_id, count(*) OVER () AS total;

-- name: run_columns
t.run_id, t.experiment_id, t.status, t.artifact_uri,
epoch_ms(t.start_time) AS start_ms, epoch_ms(t.end_time) AS end_ms;

-- name: count_runs
SELECT count(*)
FROM runs t
WHERE {condition};

-- name: experiments
SELECT t.experiment_id, t.name, t.lifecycle_stage, t.artifact_location,
       epoch_ms(t.creation_time), epoch_ms(t.last_update_time)
FROM experiments t {joins}
WHERE {condition}
ORDER BY {order}
LIMIT $limit OFFSET $offset;

-- name: experiment_tags
SELECT experiment_id, key, value
FROM experiment_tags
WHERE experiment_id IN (SELECT unnest($experiment_ids::VARCHAR[]))
ORDER BY key;

-- name: stages
list_contains({stages}::VARCHAR[], t.lifecycle_stage);

-- name: of_experiments
list_contains({experiments}::VARCHAR[], t.experiment_id);

-- name: logged
{outer} IN (SELECT {owner} FROM {table} WHERE key = {key} AND {test});

-- name: not_logged
{outer} NOT IN (SELECT {owner} FROM {table} WHERE key = {key} AND {column} IS NOT NULL);

-- name: dataset
t.run_id IN (SELECT run_id FROM inputs WHERE {test});

-- name: of_datasets
t.model_id IN (SELECT model_id FROM logged_model_metrics WHERE {test});

-- name: logged_models
SELECT t.model_id
FROM logged_models t {joins}
WHERE {condition}
ORDER BY {order}
LIMIT $limit OFFSET $offset;

-- name: registered_models
SELECT t.name
FROM registered_models t
WHERE {condition}
ORDER BY {order}
LIMIT $limit OFFSET $offset;

-- name: model_versions
SELECT t.name, t.version
FROM model_versions t
WHERE {condition}
ORDER BY {order}
LIMIT $limit OFFSET $offset;

-- name: order_by_metric
LEFT JOIN (SELECT model_id, arg_max(value, (time, step)) AS value FROM logged_model_metrics
           WHERE key = {key} AND {scope} GROUP BY model_id) AS {name}
    ON {name}.model_id = t.model_id;

-- name: order_join
LEFT JOIN (SELECT {owner}, {column} AS value FROM {table} WHERE key = {key}) AS {name}
    ON {name}.{owner} = t.{owner};

-- name: keys
SELECT DISTINCT key FROM {table} ORDER BY key;
