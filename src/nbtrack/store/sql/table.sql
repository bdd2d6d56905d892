-- What a table of runs needs. What stands in braces is a fixed fragment, chosen by views/table/run_query.py:
-- names of columns, placeholders, and conditions made of fragments. Values are always bound.

-- name: keys
-- each metric, param and tag: how many runs have it, whether they differ, how many values are numbers
WITH chosen AS (
    SELECT run_id, experiment_id, status FROM runs
    WHERE lifecycle_stage = $lifecycle
      AND ($experiment_ids::VARCHAR[] IS NULL OR list_contains($experiment_ids::VARCHAR[], experiment_id))
      AND ($run_ids::VARCHAR[] IS NULL OR run_id IN (SELECT unnest($run_ids::VARCHAR[])))
)
SELECT 'metrics' AS family, key, count(*) AS runs, min(last_value) <> max(last_value) AS different,
       count(*) AS numeric
FROM series WHERE run_id IN (SELECT run_id FROM chosen)
GROUP BY key
UNION ALL
SELECT 'params', key, count(*), min(value) <> max(value), count(try_cast(value AS DOUBLE))
FROM params WHERE run_id IN (SELECT run_id FROM chosen)
GROUP BY key
UNION ALL
SELECT 'tags', key, count(*), min(value) <> max(value), 0
FROM tags
WHERE run_id IN (SELECT run_id FROM chosen)
  AND (key IN ('mlflow.note.content', 'nbtrack.reproduced', 'nbtrack.warnings')
       OR NOT (starts_with(key, 'mlflow.') OR starts_with(key, 'nbtrack.')))
GROUP BY key
UNION ALL
SELECT '', '', count(*), count(DISTINCT experiment_id) > 1, count(*) FILTER (status = 'RUNNING')
FROM chosen;

-- name: metrics
SELECT run_id, key, last_value
FROM series
WHERE run_id IN (SELECT unnest($run_ids::VARCHAR[]))
  AND key IN (SELECT unnest($keys::VARCHAR[]));

-- name: params
SELECT run_id, key, value
FROM params
WHERE run_id IN (SELECT unnest($run_ids::VARCHAR[]))
  AND key IN (SELECT unnest($keys::VARCHAR[]));

-- name: tags
SELECT run_id, key, value
FROM tags
WHERE run_id IN (SELECT unnest($run_ids::VARCHAR[]))
  AND key IN (SELECT unnest($keys::VARCHAR[]));

-- name: info
SELECT r.run_id, r.run_name, r.status, epoch_ms(r.start_time), epoch_ms(r.end_time),
       e.name, r.user_id
FROM runs r LEFT JOIN experiments e ON e.experiment_id = r.experiment_id
WHERE r.run_id IN (SELECT unnest($run_ids::VARCHAR[]));

-- name: archived
t.run_id IN (SELECT run_id FROM tags WHERE key = 'nbtrack.archived');

-- name: word
(contains(lower(t.run_name), {word}) OR starts_with(t.run_id, {word})
 OR t.run_id IN (SELECT run_id FROM params WHERE contains(lower(value), {word}))
 OR t.run_id IN (SELECT run_id FROM tags
                 WHERE contains(lower(value), {word})
                   AND (key = 'mlflow.note.content' OR NOT (starts_with(key, 'mlflow.') OR starts_with(key, 'nbtrack.')))));

-- name: among
t.run_id IN (SELECT unnest({ids}::VARCHAR[]));

-- name: place_join
LEFT JOIN (SELECT unnest({ids}::VARCHAR[]) AS run_id, generate_subscripts({ids}::VARCHAR[], 1) AS value) AS {name}
    ON {name}.run_id = t.run_id;

-- name: value_join
LEFT JOIN (SELECT run_id, {column} AS value FROM {table} WHERE key = {key}) AS {name} ON {name}.run_id = t.run_id;

-- name: verdict_rank
CASE {value} WHEN 'yes' THEN CASE WHEN {verdict} ->> 'result' = 'close' THEN 1 ELSE 0 END
             WHEN 'no' THEN 2 WHEN 'failed' THEN 3 END;

-- name: experiment_join
LEFT JOIN (SELECT experiment_id, name AS value FROM experiments) AS {name} ON {name}.experiment_id = t.experiment_id;

-- name: extra_join
LEFT JOIN (SELECT run_id, {column} AS value FROM nbtrack_extra) AS {name} ON {name}.run_id = t.run_id;

-- name: duration
(coalesce(epoch_ms(t.end_time), CASE WHEN t.status = 'RUNNING' THEN {now} END) - epoch_ms(t.start_time)) / 1000.0;

-- name: ids
SELECT t.run_id, count(*) OVER () AS total
FROM runs t {joins}
WHERE {condition}
ORDER BY {order}
LIMIT $limit OFFSET $offset;

-- name: count
SELECT count(*) FROM runs t {joins} WHERE {condition};

-- name: extremes
-- the least and the greatest of each metric and param of the runs that match
WITH chosen AS MATERIALIZED (SELECT t.run_id FROM runs t {joins} WHERE {condition})
SELECT 'metrics', key, min(last_value), max(last_value)
FROM series
WHERE run_id IN (FROM chosen) AND key IN (SELECT unnest($metrics::VARCHAR[])) AND isfinite(last_value)
GROUP BY key
UNION ALL
SELECT 'params', key, min(number), max(number)
FROM (SELECT key, try_cast(value AS DOUBLE) AS number FROM params
      WHERE run_id IN (FROM chosen) AND key IN (SELECT unnest($params::VARCHAR[])))
WHERE isfinite(number)
GROUP BY key;

-- name: curves
-- the mean of the finite values in each of so many parts of a curve; along time where the steps do not rise
WITH picked AS MATERIALIZED (
    SELECT s.run_id, s.key, p.step, p.time, p.value
    FROM points p
    JOIN (SELECT series, run_id, key FROM series
          WHERE run_id IN (SELECT unnest($run_ids::VARCHAR[])) AND key IN (SELECT unnest($keys::VARCHAR[]))) s
      ON s.series = p.series
    WHERE isfinite(p.value)
),
ends AS (
    SELECT run_id, key, min(step) AS low, max(step) AS high, min(time) AS first, max(time) AS last
    FROM picked GROUP BY run_id, key
)
SELECT run_id, key, least($points - 1, floor($points * CASE
           WHEN high > low THEN (step - low)::DOUBLE / (high - low)
           WHEN last > first THEN (time - first)::DOUBLE / (last - first)
           ELSE 0 END))::INTEGER AS bucket,
       avg(value)
FROM picked JOIN ends USING (run_id, key)
GROUP BY run_id, key, bucket;

-- name: param_keys
SELECT DISTINCT key FROM params;

-- name: seeds_join
-- runs with equal params but for these have the same value
LEFT JOIN (SELECT run_id, (sum(hash(key, value)::HUGEINT))::VARCHAR AS value FROM params
           WHERE key NOT IN (SELECT unnest({keys}::VARCHAR[])) GROUP BY run_id) AS {name}
    ON {name}.run_id = t.run_id;

-- name: members
-- the runs that match, each with its group and its place in the order
CREATE OR REPLACE TEMP TABLE nbtrack_members AS
SELECT *, dense_rank() OVER (ORDER BY grp) AS number
FROM (SELECT t.run_id, t.run_name, {group} AS grp, {measure} AS measure, row_number() OVER (ORDER BY {order}) AS place
      FROM runs t {joins}
      WHERE {condition});

-- name: drop_members
DROP TABLE IF EXISTS temp.nbtrack_members;

-- name: groups
SELECT grp, number, count(*) AS runs, arg_min(run_id, place), min(run_name), max(run_name)
FROM temp.nbtrack_members
GROUP BY grp, number
ORDER BY {group_order};

-- name: members_of
SELECT grp, run_id FROM temp.nbtrack_members WHERE grp IN (SELECT unnest($groups::VARCHAR[])) ORDER BY place;

-- name: group_metrics
SELECT m.number, s.key, avg(s.last_value), stddev_samp(s.last_value)
FROM temp.nbtrack_members m JOIN series s USING (run_id)
WHERE m.number IN (SELECT unnest($numbers::BIGINT[]))
  AND s.key IN (SELECT unnest($keys::VARCHAR[])) AND isfinite(s.last_value)
GROUP BY m.number, s.key;

-- name: group_params
SELECT m.number, s.key, min(s.value), count(*)
FROM temp.nbtrack_members m JOIN params s USING (run_id)
WHERE m.number IN (SELECT unnest($numbers::BIGINT[])) AND s.key IN (SELECT unnest($keys::VARCHAR[]))
GROUP BY m.number, s.key
HAVING min(s.value) = max(s.value);

-- name: group_tags
SELECT m.number, s.key, min(s.value), count(*)
FROM temp.nbtrack_members m JOIN tags s USING (run_id)
WHERE m.number IN (SELECT unnest($numbers::BIGINT[])) AND s.key IN (SELECT unnest($keys::VARCHAR[]))
GROUP BY m.number, s.key
HAVING min(s.value) = max(s.value);

-- name: group_info
SELECT m.number,
       CASE WHEN min(r.status) = max(r.status) THEN min(r.status)
            WHEN bool_or(r.status = 'RUNNING') THEN 'RUNNING' END,
       max(epoch_ms(r.start_time)),
       avg(seconds), stddev_samp(seconds),
       CASE WHEN min(e.name) = max(e.name) THEN min(e.name) END,
       CASE WHEN min(r.user_id) = max(r.user_id) THEN min(r.user_id) END
FROM temp.nbtrack_members m
JOIN (SELECT t.*, {duration} AS seconds FROM runs t) r USING (run_id)
LEFT JOIN experiments e USING (experiment_id)
WHERE m.number IN (SELECT unnest($numbers::BIGINT[]))
GROUP BY m.number;

-- name: group_extremes
SELECT key, min(mean), max(mean), count(*)
FROM (SELECT m.number, s.key, avg(s.last_value) AS mean
      FROM temp.nbtrack_members m JOIN series s USING (run_id)
      WHERE s.key IN (SELECT unnest($metrics::VARCHAR[])) AND isfinite(s.last_value)
      GROUP BY m.number, s.key)
GROUP BY key;
