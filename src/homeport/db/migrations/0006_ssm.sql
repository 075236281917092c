-- SSM's Parameter Store.  Names compare by bytes (SQLite's default; a PostgreSQL database is created with collation C).

-- The version of each parameter that its name alone stands for.
CREATE TABLE ssm_parameters (
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    type TEXT NOT NULL,
    value TEXT NOT NULL,
    description TEXT NOT NULL,
    modified DOUBLE PRECISION NOT NULL,
    modified_by TEXT NOT NULL,
    PRIMARY KEY (region, name)
);

-- The versions before that one, at most 99 of each parameter.
CREATE TABLE ssm_former_versions (
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    type TEXT NOT NULL,
    value TEXT NOT NULL,
    description TEXT NOT NULL,
    modified DOUBLE PRECISION NOT NULL,
    modified_by TEXT NOT NULL,
    PRIMARY KEY (region, name, version)
);
