-- The first schema. Times are TIMESTAMP in UTC; points.time is milliseconds since the epoch.
-- No keys, indexes, sequences, enums or checks: DuckLake refuses them, and they slow points down.

CREATE TABLE experiments (
    experiment_id     VARCHAR NOT NULL,
    name              VARCHAR NOT NULL,
    lifecycle_stage   VARCHAR NOT NULL,
    artifact_location VARCHAR,
    creation_time     TIMESTAMP NOT NULL,
    last_update_time  TIMESTAMP NOT NULL
);

CREATE TABLE experiment_tags (
    experiment_id VARCHAR NOT NULL,
    key           VARCHAR NOT NULL,
    value         VARCHAR NOT NULL
);

CREATE TABLE runs (
    run_id          VARCHAR NOT NULL,
    experiment_id   VARCHAR NOT NULL,
    run_name        VARCHAR NOT NULL,
    status          VARCHAR NOT NULL,
    start_time      TIMESTAMP NOT NULL,
    end_time        TIMESTAMP,
    user_id         VARCHAR NOT NULL,
    lifecycle_stage VARCHAR NOT NULL,
    deleted_time    TIMESTAMP,
    artifact_uri    VARCHAR,
    host            VARCHAR,
    pid             BIGINT,
    process_start   BIGINT
);

CREATE TABLE params (
    run_id VARCHAR NOT NULL,
    key    VARCHAR NOT NULL,
    value  VARCHAR NOT NULL
);

CREATE TABLE tags (
    run_id VARCHAR NOT NULL,
    key    VARCHAR NOT NULL,
    value  VARCHAR NOT NULL
);

-- one row for each metric of each run, kept up to date by every fold;
-- min and max are over the values that are numbers, with the step where they were first reached
CREATE TABLE series (
    series     BIGINT NOT NULL,
    run_id     VARCHAR NOT NULL,
    key        VARCHAR NOT NULL,
    count      BIGINT NOT NULL,
    nan_count  BIGINT NOT NULL,
    last_step  BIGINT NOT NULL,
    last_time  BIGINT NOT NULL,
    last_value DOUBLE NOT NULL,
    min_value  DOUBLE,
    min_step   BIGINT,
    max_value  DOUBLE,
    max_step   BIGINT,
    max_time   BIGINT NOT NULL
);

CREATE TABLE points (
    series BIGINT NOT NULL,
    step   BIGINT NOT NULL,
    time   BIGINT NOT NULL,
    value  DOUBLE NOT NULL
);

CREATE TABLE artifacts (
    run_id        VARCHAR NOT NULL,
    path          VARCHAR NOT NULL,
    size          BIGINT NOT NULL,
    sha256        VARCHAR,
    creation_time TIMESTAMP NOT NULL
);

CREATE TABLE datasets (
    experiment_id VARCHAR NOT NULL,
    name          VARCHAR NOT NULL,
    digest        VARCHAR NOT NULL,
    source_type   VARCHAR NOT NULL,
    source        VARCHAR NOT NULL,
    schema        VARCHAR,
    profile       VARCHAR
);

CREATE TABLE inputs (
    run_id        VARCHAR NOT NULL,
    experiment_id VARCHAR NOT NULL,
    name          VARCHAR NOT NULL,
    digest        VARCHAR NOT NULL,
    tags          VARCHAR NOT NULL
);

-- how far each journal was folded, and which series its local numbers stand for
CREATE TABLE journals (
    journal VARCHAR NOT NULL,
    run_id  VARCHAR NOT NULL,
    events  BIGINT NOT NULL,
    points  BIGINT NOT NULL
);

CREATE TABLE journal_series (
    journal VARCHAR NOT NULL,
    number  BIGINT NOT NULL,
    run_id  VARCHAR NOT NULL,
    key     VARCHAR NOT NULL
);

CREATE TABLE migrations (
    version INTEGER NOT NULL,
    name    VARCHAR NOT NULL,
    applied TIMESTAMP NOT NULL
);

CREATE VIEW metrics AS
SELECT s.run_id, s.key, p.step, p.value, make_timestamp(p.time * 1000) AS timestamp
FROM points p JOIN series s ON s.series = p.series;

CREATE VIEW latest AS
SELECT run_id, key, last_step AS step, last_value AS value,
       make_timestamp(last_time * 1000) AS timestamp,
       min_value AS min, min_step, max_value AS max, max_step, count, nan_count
FROM series;

INSERT INTO experiments
SELECT '0', 'Default', 'active', NULL, make_timestamp(epoch_us(now())), make_timestamp(epoch_us(now()));
