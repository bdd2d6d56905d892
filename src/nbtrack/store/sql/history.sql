-- Points of metrics. $series is a list of series numbers.

-- name: series
SELECT series, run_id, key
FROM series
WHERE run_id IN (SELECT unnest($run_ids::VARCHAR[]))
  AND ($keys::VARCHAR[] IS NULL OR list_contains($keys::VARCHAR[], key));

-- name: one_series
SELECT series FROM series WHERE run_id = $run_id AND key = $key;

-- name: latest
SELECT run_id, key, last_value AS value, last_step AS step, last_time AS time
FROM series
WHERE ($run_ids::VARCHAR[] IS NULL OR run_id IN (SELECT unnest($run_ids::VARCHAR[])))
  AND ($keys::VARCHAR[] IS NULL OR list_contains($keys::VARCHAR[], key));

-- name: points
SELECT value, time, step
FROM points
WHERE series IN (SELECT unnest($series::BIGINT[]))
ORDER BY time, step, value;

-- name: columns
SELECT series, step, time, value
FROM points
WHERE series IN (SELECT unnest($series::BIGINT[]));

-- name: buckets
-- place orders the points of a bucket by (x, other), whatever order they were written in
SELECT series,
       min(x) AS x_first,
       max(x) AS x_last,
       count(*) AS count,
       count(*) - count(number) AS nan_count,
       min(number) AS min,
       max(number) AS max,
       arg_min(x, number) AS min_x,
       arg_max(x, number) AS max_x,
       arg_min(value, place) AS first,
       arg_max(value, place) AS last
FROM (SELECT series, x, value,
             CASE WHEN isnan(value) THEN NULL ELSE value END AS number,
             least(floor((x::DOUBLE - $low) / $width), $last) AS bucket,
             x::HUGEINT * 9223372036854775808 + other AS place
      FROM (SELECT series, value,
                   CASE WHEN $axis = 'time' THEN time ELSE step END AS x,
                   CASE WHEN $axis = 'time' THEN step ELSE time END AS other
            FROM points
            WHERE series IN (SELECT unnest($series::BIGINT[])))
      WHERE x BETWEEN $low AND $high)
GROUP BY series, bucket
ORDER BY series, bucket;

-- name: extents
SELECT series, run_id, key, count, first_step, last_step, min_time, max_time
FROM series
WHERE count > 0
  AND run_id IN (SELECT unnest($run_ids::VARCHAR[]))
  AND ($keys::VARCHAR[] IS NULL OR list_contains($keys::VARCHAR[], key));

-- name: counts
SELECT series, run_id, key, count
FROM series
WHERE run_id IN (SELECT unnest($run_ids::VARCHAR[]))
  AND ($keys::VARCHAR[] IS NULL OR list_contains($keys::VARCHAR[], key));

-- name: window
-- $series, $low, $high and $width go together; the other bounds only spare the reading of blocks
SELECT series,
       min(x) AS x_first,
       arg_min(other, x) AS other_first,
       arg_min(value, x) AS value_first,
       max(x) AS x_last,
       arg_max(other, x) AS other_last,
       arg_max(value, x) AS value_last,
       arg_min(x, number) AS x_min,
       arg_min(other, number) AS other_min,
       min(number) AS value_min,
       arg_max(x, number) AS x_max,
       arg_max(other, number) AS other_max,
       max(number) AS value_max,
       min(x) FILTER (number IS NULL) AS x_odd,
       arg_min(other, x) FILTER (number IS NULL) AS other_odd,
       arg_min(value, x) FILTER (number IS NULL) AS value_odd
FROM (SELECT w.series, x, other, value,
             CASE WHEN isfinite(value) THEN value END AS number,
             (x - w.low) // w.width AS bucket
      FROM (SELECT series, value,
                   CASE WHEN $axis = 'time' THEN time ELSE step END AS x,
                   CASE WHEN $axis = 'time' THEN step ELSE time END AS other
            FROM points
            WHERE series IN (SELECT unnest($series::BIGINT[]))
              AND step BETWEEN $first_step AND $last_step
              AND time BETWEEN $first_time AND $last_time) p
      JOIN (SELECT unnest($series::BIGINT[]) AS series, unnest($low::BIGINT[]) AS low,
                   unnest($high::BIGINT[]) AS high, unnest($width::BIGINT[]) AS width) w
        ON p.series = w.series AND p.x BETWEEN w.low AND w.high)
GROUP BY series, bucket
ORDER BY series, bucket;

-- name: page
SELECT value, time, step
FROM points
WHERE series = (SELECT series FROM series WHERE run_id = $run_id AND key = $key)
ORDER BY time, step, value
LIMIT $limit OFFSET $offset;

-- name: steps
SELECT DISTINCT step
FROM points
WHERE series = (SELECT series FROM series WHERE run_id = $run_id AND key = $key)
  AND ($first::BIGINT IS NULL OR step BETWEEN $first AND $last)
ORDER BY step;

-- name: at_steps
SELECT value, time, step
FROM points
WHERE series = (SELECT series FROM series WHERE run_id = $run_id AND key = $key)
  AND step IN (SELECT unnest($steps::BIGINT[]))
ORDER BY step, time, value
LIMIT $limit;
