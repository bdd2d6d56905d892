-- What a team store has besides a file's tables, and does otherwise.

-- name: make_guard
-- two changes at the same time both touch it: the catalog lets one of them in
CREATE TABLE IF NOT EXISTS nbtrack_guard AS SELECT 0::BIGINT AS changes

-- name: touch_guard
UPDATE nbtrack_guard SET changes = changes + 1

-- name: first_experiment
UPDATE experiments SET artifact_location = $location WHERE experiment_id = '0'

-- name: sort_points
-- files are written and merged in this order
ALTER TABLE points SET SORTED BY (series ASC, step ASC, time ASC)

-- name: merge_files
-- one new file at a time; TIMESTAMPTZ is what counting avoids in the next ones: it needs pytz
SELECT coalesce(sum(files_processed), 0), coalesce(sum(files_created), 0)
FROM ducklake_merge_adjacent_files('store', $table, max_compacted_files => 1)

-- name: rewrite_files
SELECT coalesce(sum(files_processed), 0), coalesce(sum(files_created), 0)
FROM ducklake_rewrite_data_files('store', $table, delete_threshold => $share)

-- name: expire_snapshots
SELECT count(*) FROM ducklake_expire_snapshots('store', older_than => now() - to_seconds($seconds))

-- name: clean_up_files
SELECT count(*) FROM ducklake_cleanup_old_files('store', older_than => now() - to_seconds($seconds))

-- name: remove_orphans
SELECT count(*) FROM ducklake_delete_orphaned_files('store', older_than => now() - to_seconds($seconds))

-- name: find_orphans
SELECT count(*)
FROM ducklake_delete_orphaned_files('store', dry_run => true, older_than => now() - to_seconds($seconds))

-- name: spools
SELECT DISTINCT split_part(journal, '/', 1) FROM journals

-- name: forget_journals
-- a run that is not over may speak again
DELETE FROM journals
WHERE split_part(journal, '/', 1) IN (SELECT unnest($spools::VARCHAR[]))
  AND run_id NOT IN (SELECT run_id FROM runs WHERE status IN ('RUNNING', 'SCHEDULED')
                     UNION ALL SELECT model_id FROM logged_models WHERE status = 'PENDING')

-- name: forget_series_numbers
DELETE FROM journal_series
WHERE split_part(journal, '/', 1) IN (SELECT unnest($spools::VARCHAR[]))
  AND journal NOT IN (SELECT journal FROM journals)
