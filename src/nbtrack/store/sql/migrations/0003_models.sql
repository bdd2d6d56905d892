-- Logged models, and the registry. What must be unique (names, versions, aliases) is written under
-- the lock; the rest comes by journal, like everything that runs log.

CREATE TABLE logged_models (
    model_id          VARCHAR NOT NULL,
    experiment_id     VARCHAR NOT NULL,
    name              VARCHAR NOT NULL,
    model_type        VARCHAR,
    source_run_id     VARCHAR,
    status            VARCHAR NOT NULL,
    status_message    VARCHAR,
    lifecycle_stage   VARCHAR NOT NULL,
    artifact_location VARCHAR,
    creation_time     TIMESTAMP NOT NULL,
    last_updated_time TIMESTAMP NOT NULL,
    host              VARCHAR,
    pid               BIGINT,
    process_start     BIGINT
);

CREATE TABLE logged_model_params (
    model_id VARCHAR NOT NULL,
    key      VARCHAR NOT NULL,
    value    VARCHAR NOT NULL
);

CREATE TABLE logged_model_tags (
    model_id VARCHAR NOT NULL,
    key      VARCHAR NOT NULL,
    value    VARCHAR NOT NULL
);

-- direct: given to this model by name; the others are points of its run at the step of the model
CREATE TABLE logged_model_metrics (
    model_id       VARCHAR NOT NULL,
    key            VARCHAR NOT NULL,
    value          DOUBLE NOT NULL,
    step           BIGINT NOT NULL,
    time           BIGINT NOT NULL,
    run_id         VARCHAR,
    dataset_name   VARCHAR,
    dataset_digest VARCHAR,
    direct         BOOLEAN NOT NULL
);

CREATE TABLE logged_model_artifacts (
    model_id      VARCHAR NOT NULL,
    path          VARCHAR NOT NULL,
    size          BIGINT NOT NULL,
    sha256        VARCHAR,
    creation_time TIMESTAMP NOT NULL
);

CREATE TABLE model_inputs (
    run_id   VARCHAR NOT NULL,
    model_id VARCHAR NOT NULL
);

CREATE TABLE model_outputs (
    run_id   VARCHAR NOT NULL,
    model_id VARCHAR NOT NULL,
    step     BIGINT NOT NULL
);

-- greatest_version is the greatest number ever given: none is given twice
CREATE TABLE registered_models (
    name              VARCHAR NOT NULL,
    description       VARCHAR,
    greatest_version  BIGINT NOT NULL,
    creation_time     TIMESTAMP NOT NULL,
    last_updated_time TIMESTAMP NOT NULL
);

CREATE TABLE registered_model_tags (
    name  VARCHAR NOT NULL,
    key   VARCHAR NOT NULL,
    value VARCHAR NOT NULL
);

CREATE TABLE registered_model_aliases (
    name    VARCHAR NOT NULL,
    alias   VARCHAR NOT NULL,
    version BIGINT NOT NULL
);

CREATE TABLE model_versions (
    name              VARCHAR NOT NULL,
    version           BIGINT NOT NULL,
    current_stage     VARCHAR NOT NULL,
    description       VARCHAR,
    user_id           VARCHAR,
    source            VARCHAR NOT NULL,
    storage_location  VARCHAR NOT NULL,
    run_id            VARCHAR,
    run_link          VARCHAR,
    model_id          VARCHAR,
    status            VARCHAR NOT NULL,
    status_message    VARCHAR,
    creation_time     TIMESTAMP NOT NULL,
    last_updated_time TIMESTAMP NOT NULL
);

CREATE TABLE model_version_tags (
    name    VARCHAR NOT NULL,
    version BIGINT NOT NULL,
    key     VARCHAR NOT NULL,
    value   VARCHAR NOT NULL
);
