-- name: catalog
-- asks no view for its columns: that would bind it
SELECT 'table' AS kind, table_name AS name, sql
FROM duckdb_tables() WHERE database_name = $database AND schema_name = 'main' AND NOT temporary
UNION ALL
SELECT 'view', view_name, sql
FROM duckdb_views() WHERE database_name = $database AND schema_name = 'main' AND NOT internal

-- name: functions
SELECT DISTINCT function_name FROM duckdb_functions() WHERE database_name = $database

-- name: triggers
SELECT trigger_name FROM duckdb_triggers() WHERE database_name = $database

-- name: version
SELECT max(version) FROM {database}.main.migrations

-- name: migrated
INSERT INTO migrations VALUES ($number, $name, make_timestamp(epoch_us(now())))

-- name: tables
SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = $database
