-- Experiments and runs as a tree. $run_ids is a list.

-- name: running
SELECT count(*) FROM runs WHERE status = 'RUNNING' AND lifecycle_stage = 'active';

-- name: experiments
-- what is deleted has deleted runs: those are counted there
SELECT e.experiment_id, e.name, e.lifecycle_stage,
       count(r.run_id) FILTER (WHERE r.lifecycle_stage = e.lifecycle_stage),
       count(r.run_id) FILTER (WHERE r.lifecycle_stage = 'active' AND r.status = 'RUNNING'),
       epoch_ms(max(greatest(r.start_time, coalesce(r.end_time, r.start_time)))),
       any_value(t.value)
FROM experiments e
LEFT JOIN runs r ON r.experiment_id = e.experiment_id
LEFT JOIN experiment_tags t ON t.experiment_id = e.experiment_id AND t.key = 'mlflow.note.content'
GROUP BY e.experiment_id, e.name, e.lifecycle_stage
ORDER BY e.lifecycle_stage, max(r.start_time) DESC NULLS LAST, e.name;

-- name: parents
-- every nested run with the run it belongs under
SELECT t.run_id, t.value
FROM tags t SEMI JOIN runs r ON r.run_id = t.run_id AND r.experiment_id = $experiment_id
WHERE t.key = 'mlflow.parentRunId';

-- name: archived
SELECT t.run_id
FROM tags t SEMI JOIN runs r ON r.run_id = t.run_id AND r.experiment_id = $experiment_id
WHERE t.key = 'nbtrack.archived' AND t.value NOT IN ('', 'false');

-- name: rows
SELECT r.run_id, r.run_name, r.status, r.lifecycle_stage, epoch_ms(r.start_time),
       epoch_ms(r.end_time), r.experiment_id
FROM runs r
WHERE r.run_id IN (SELECT unnest($run_ids::VARCHAR[]));

-- name: marks
SELECT run_id, key, value
FROM tags
WHERE run_id IN (SELECT unnest($run_ids::VARCHAR[]))
  AND key IN ('mlflow.parentRunId', 'mlflow.note.content', 'mlflow.source.type',
              'nbtrack.archived', 'nbtrack.kept', 'nbtrack.reproduced',
              'nbtrack.reproduced.verdict', 'nbtrack.warnings');

-- name: series
SELECT series, run_id, key, count, last_step, last_value, min_value, max_value, last_time
FROM series
WHERE run_id IN (SELECT unnest($run_ids::VARCHAR[]))
ORDER BY key;

-- name: sparks
-- the mean of the finite values in each of $width equal parts of a series' steps (or its time,
-- where all points have one step); $series is a list of series numbers
WITH chosen AS MATERIALIZED (
    SELECT series, step, time, value
    FROM points
    WHERE series IN (SELECT unnest($series::BIGINT[]))
), extents AS (
    SELECT series, min(step) AS first_step, max(step) AS last_step,
           min(time) AS first_time, max(time) AS last_time
    FROM chosen
    GROUP BY series
)
SELECT c.series,
       CASE WHEN e.last_step > e.first_step
            THEN floor((c.step::DOUBLE - e.first_step) / (e.last_step::DOUBLE - e.first_step) * ($width - 1) + 0.5)
            WHEN e.last_time > e.first_time
            THEN floor((c.time::DOUBLE - e.first_time) / (e.last_time::DOUBLE - e.first_time) * ($width - 1) + 0.5)
            ELSE 0 END AS part,
       avg(c.value) FILTER (isfinite(c.value))
FROM chosen c JOIN extents e ON e.series = c.series
GROUP BY c.series, part
ORDER BY c.series, part;
