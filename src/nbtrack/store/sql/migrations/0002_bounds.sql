-- Where each metric begins, so that no chart has to read all points to know how far they reach.

ALTER TABLE series ADD COLUMN first_step BIGINT;
ALTER TABLE series ADD COLUMN min_time BIGINT;

UPDATE series
SET first_step = b.first_step, min_time = b.min_time
FROM (SELECT series, min(step) AS first_step, min(time) AS min_time FROM points GROUP BY series) b
WHERE series.series = b.series;
