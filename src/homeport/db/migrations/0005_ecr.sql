-- ECR.  Images are in the registry; here is only what the registry does not know.

-- One row: where the registry answers, and the key whose tokens it trusts.
CREATE TABLE ecr_registry (
    id INTEGER PRIMARY KEY,
    address TEXT NOT NULL,
    signing_key TEXT NOT NULL,
    certificate TEXT NOT NULL
);

-- A name is taken in all regions at once: the registry behind them holds each name once.
CREATE TABLE ecr_repositories (
    name TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    created DOUBLE PRECISION NOT NULL,
    tags TEXT NOT NULL DEFAULT '{}'
);

CREATE INDEX ecr_repositories_by_region ON ecr_repositories (region, name);

-- When each image was pushed, as the registry's notifications told; also how images without a tag are known.
CREATE TABLE ecr_pushes (
    repository TEXT NOT NULL,
    digest TEXT NOT NULL,
    pushed DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (repository, digest)
);
