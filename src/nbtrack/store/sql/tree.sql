-- Experiments and runs as a tree.

-- name: running
SELECT count(*) FROM runs WHERE status = 'RUNNING' AND lifecycle_stage = 'active';
