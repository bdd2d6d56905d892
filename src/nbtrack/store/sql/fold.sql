-- name: offsets
-- of the journals of one spool: names of other machines' in a team store begin otherwise
SELECT substr(journal, length($spool) + 1), events, points, damage FROM journals WHERE starts_with(journal, $spool)

-- name: forget_journals
DELETE FROM journals WHERE journal IN (SELECT $spool || unnest($names::VARCHAR[]))

-- name: forget_series_numbers
DELETE FROM journal_series WHERE journal IN (SELECT $spool || unnest($names::VARCHAR[]))

-- name: set_offsets
INSERT INTO journals (journal, run_id, events, points, damage)
SELECT $spool || unnest($names::VARCHAR[]), unnest($runs::VARCHAR[]), unnest($events::BIGINT[]), unnest($points::BIGINT[]),
       unnest($damages::VARCHAR[])

-- name: series_numbers
SELECT substr(journal, length($spool) + 1), number, run_id, key FROM journal_series
WHERE journal IN (SELECT $spool || unnest($names::VARCHAR[]))

-- name: add_series_numbers
INSERT INTO journal_series
SELECT $spool || unnest($names::VARCHAR[]), unnest($numbers::BIGINT[]), unnest($runs::VARCHAR[]), unnest($keys::VARCHAR[])

-- name: series_of_runs
SELECT series, run_id, key, last_step, max_time FROM series WHERE run_id IN (SELECT unnest($runs))

-- name: greatest_series
SELECT coalesce(max(series), 0) FROM series

-- name: add_runs
INSERT INTO runs
SELECT n.run_id, n.experiment_id, n.run_name, n.status, make_timestamp(n.start_time * 1000), NULL, n.user_id,
       'active', NULL, n.artifact_uri, n.host, n.pid, n.started, n.place
FROM (SELECT unnest($run_id::VARCHAR[]) AS run_id, unnest($experiment_id::VARCHAR[]) AS experiment_id,
             unnest($run_name::VARCHAR[]) AS run_name, unnest($status::VARCHAR[]) AS status,
             unnest($start_time::BIGINT[]) AS start_time, unnest($user_id::VARCHAR[]) AS user_id,
             unnest($artifact_uri::VARCHAR[]) AS artifact_uri, unnest($host::VARCHAR[]) AS host,
             unnest($pid::BIGINT[]) AS pid, unnest($started::BIGINT[]) AS started,
             unnest($place::VARCHAR[]) AS place) n
WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.run_id = n.run_id)

-- name: update_runs
-- one statement for all: in a team store each costs a file, and the time of the others
UPDATE runs
SET status = coalesce(n.status, runs.status),
    run_name = coalesce(n.run_name, runs.run_name),
    experiment_id = coalesce(n.experiment_id, runs.experiment_id),
    end_time = CASE WHEN n.goes_on THEN NULL ELSE coalesce(make_timestamp(n.end_time * 1000), runs.end_time) END,
    host = nullif(coalesce(n.host, runs.host), ''), -- an empty one: nobody's process owns the run any more
    pid = coalesce(n.pid, runs.pid),
    process_start = coalesce(n.started, runs.process_start),
    place = CASE WHEN n.host IS NULL THEN runs.place ELSE n.place END
FROM (SELECT unnest($run_id::VARCHAR[]) AS run_id, unnest($status::VARCHAR[]) AS status,
             unnest($run_name::VARCHAR[]) AS run_name, unnest($end_time::BIGINT[]) AS end_time,
             unnest($experiment_id::VARCHAR[]) AS experiment_id,
             unnest($host::VARCHAR[]) AS host, unnest($pid::BIGINT[]) AS pid,
             unnest($started::BIGINT[]) AS started, unnest($place::VARCHAR[]) AS place,
             unnest($goes_on::BOOLEAN[]) AS goes_on) n
WHERE runs.run_id = n.run_id

-- name: differing_params
SELECT p.run_id, p.key, p.value, n.value
FROM params p
JOIN (SELECT unnest($runs::VARCHAR[]) AS run_id, unnest($keys::VARCHAR[]) AS key,
             unnest($values::VARCHAR[]) AS value) n
  ON p.run_id = n.run_id AND p.key = n.key AND p.value <> n.value

-- name: add_params
INSERT INTO params
SELECT n.run_id, n.key, n.value
FROM (SELECT unnest($runs::VARCHAR[]) AS run_id, unnest($keys::VARCHAR[]) AS key,
             unnest($values::VARCHAR[]) AS value) n
WHERE NOT EXISTS (SELECT 1 FROM params p WHERE p.run_id = n.run_id AND p.key = n.key)

-- name: remove_tags
DELETE FROM tags
WHERE EXISTS (SELECT 1 FROM (SELECT unnest($runs::VARCHAR[]) AS run_id, unnest($keys::VARCHAR[]) AS key) n
              WHERE n.run_id = tags.run_id AND n.key = tags.key)

-- name: add_tags
INSERT INTO tags SELECT unnest($runs::VARCHAR[]), unnest($keys::VARCHAR[]), unnest($values::VARCHAR[])

-- name: remove_artifacts
DELETE FROM artifacts
WHERE EXISTS (SELECT 1 FROM (SELECT unnest($runs::VARCHAR[]) AS run_id, unnest($paths::VARCHAR[]) AS path) n
              WHERE n.run_id = artifacts.run_id AND n.path = artifacts.path)

-- name: add_artifacts
INSERT INTO artifacts
SELECT unnest($runs::VARCHAR[]), unnest($paths::VARCHAR[]), unnest($sizes::BIGINT[]), unnest($hashes::VARCHAR[]),
       make_timestamp(unnest($times::BIGINT[]) * 1000)

-- name: add_dataset
INSERT INTO datasets
SELECT r.experiment_id, $name, $digest, $source_type, $source, $schema, $profile
FROM runs r
WHERE r.run_id = $run_id
  AND NOT EXISTS (SELECT 1 FROM datasets d
                  WHERE d.experiment_id = r.experiment_id AND d.name = $name AND d.digest = $digest)

-- name: add_input
INSERT INTO inputs
SELECT r.run_id, r.experiment_id, $name, $digest, $tags
FROM runs r
WHERE r.run_id = $run_id
  AND NOT EXISTS (SELECT 1 FROM inputs i WHERE i.run_id = r.run_id AND i.name = $name AND i.digest = $digest)

-- name: known_points
SELECT p.series, p.step, p.time, p.value
FROM points p
WHERE p.series IN (SELECT unnest($series::BIGINT[])) AND p.step >= $first_step AND p.time >= $first_time

-- name: add_points
-- DuckDB reads a NaN of a NumPy array as NULL
INSERT INTO points SELECT series, step, time, coalesce(value, 'nan'::DOUBLE) FROM batch

-- name: add_series
INSERT INTO series (series, run_id, key, count, nan_count, last_step, last_time, last_value, min_value, min_step,
                    max_value, max_step, max_time)
SELECT series, run_id, key, 0, 0, -9223372036854775808, 0, 'nan'::DOUBLE, NULL, NULL, NULL, NULL, 0
FROM (SELECT unnest($series::BIGINT[]) AS series, unnest($runs::VARCHAR[]) AS run_id,
             unnest($keys::VARCHAR[]) AS key)

-- name: update_series
UPDATE series
SET count = series.count + b.count,
    nan_count = series.nan_count + b.nan_count,
    last_value = CASE WHEN series.count > 0 AND (series.last_step, series.last_time, NOT isnan(series.last_value), series.last_value)
                           >= (b.last_step, b.last_time, NOT isnan(b.last_value), b.last_value)
                      THEN series.last_value ELSE b.last_value END,
    last_time = CASE WHEN series.count > 0 AND (series.last_step, series.last_time) >= (b.last_step, b.last_time)
                     THEN series.last_time ELSE b.last_time END,
    last_step = greatest(series.last_step, b.last_step),
    min_step = CASE WHEN isnan(b.min_value) OR series.min_value <= b.min_value THEN series.min_step ELSE b.min_step END,
    min_value = CASE WHEN isnan(b.min_value) OR series.min_value <= b.min_value THEN series.min_value ELSE b.min_value END,
    max_step = CASE WHEN isnan(b.max_value) OR series.max_value >= b.max_value THEN series.max_step ELSE b.max_step END,
    max_value = CASE WHEN isnan(b.max_value) OR series.max_value >= b.max_value THEN series.max_value ELSE b.max_value END,
    max_time = greatest(series.max_time, b.max_time),
    first_step = least(series.first_step, b.first_step),
    min_time = least(series.min_time, b.min_time)
FROM (SELECT * REPLACE (coalesce(last_value, 'nan'::DOUBLE) AS last_value, coalesce(min_value, 'nan'::DOUBLE) AS min_value,
                        coalesce(max_value, 'nan'::DOUBLE) AS max_value) FROM batch) b
WHERE series.series = b.series

-- name: running
-- runs, and models that are being written: their ids differ
SELECT run_id, host, pid, process_start, place FROM runs WHERE status = 'RUNNING'
UNION ALL
SELECT model_id, host, pid, process_start, place FROM logged_models WHERE status = 'PENDING'

-- name: interrupt
UPDATE runs
SET status = 'INTERRUPTED',
    end_time = greatest(start_time, coalesce(
        (SELECT make_timestamp(max(s.max_time) * 1000) FROM series s WHERE s.run_id = runs.run_id AND s.count > 0),
        start_time))
WHERE run_id IN (SELECT unnest($runs::VARCHAR[])) AND status = 'RUNNING'

-- name: interrupted
SELECT run_id, host, pid, process_start, place FROM runs
WHERE status = 'INTERRUPTED' AND run_id IN (SELECT unnest($runs::VARCHAR[]))

-- name: revive
-- their owner has spoken again: it was not gone after all
UPDATE runs SET status = 'RUNNING', end_time = NULL
WHERE run_id IN (SELECT unnest($runs::VARCHAR[])) AND status = 'INTERRUPTED'

-- name: recover_runs
-- what is left of runs whose first line is lost
INSERT INTO runs (run_id, experiment_id, run_name, status, start_time, end_time, user_id, lifecycle_stage)
SELECT n.run_id, '0', 'recovered-' || left(n.run_id, 8), 'INTERRUPTED', make_timestamp($now::BIGINT * 1000),
       make_timestamp($now::BIGINT * 1000), '', 'active'
FROM (SELECT DISTINCT unnest($runs::VARCHAR[]) AS run_id) n
WHERE n.run_id NOT LIKE 'm-%' AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.run_id = n.run_id)

-- name: recover_experiments
-- those of runs that were made in a database which is gone
INSERT INTO experiments
SELECT n.id,
       CASE WHEN EXISTS (SELECT 1 FROM experiments e WHERE e.name = n.name AND e.lifecycle_stage = 'active')
            THEN 'recovered-' || n.id ELSE n.name END,
       'active', NULL, make_timestamp($now::BIGINT * 1000), make_timestamp($now::BIGINT * 1000)
FROM (SELECT unnest($ids::VARCHAR[]) AS id, unnest($names::VARCHAR[]) AS name) n
WHERE NOT EXISTS (SELECT 1 FROM experiments e WHERE e.experiment_id = n.id)
