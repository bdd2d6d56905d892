-- name: runs
-- by stage and status, with the bytes of their artifacts
SELECT r.lifecycle_stage, r.status, count(*), coalesce(sum(a.size), 0)::BIGINT
FROM runs r
LEFT JOIN (SELECT run_id, sum(size) AS size FROM artifacts GROUP BY run_id) a ON a.run_id = r.run_id
GROUP BY r.lifecycle_stage, r.status

-- name: schema
SELECT max(version) FROM migrations
