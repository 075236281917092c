-- Health checks: what was declared, and what each node last found.

CREATE TABLE route53_health_checks (
    id TEXT PRIMARY KEY,
    caller_reference TEXT NOT NULL UNIQUE,
    version BIGINT NOT NULL,
    body TEXT NOT NULL
);

CREATE TABLE route53_observations (
    health_check TEXT NOT NULL,
    node TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    healthy INTEGER NOT NULL,
    status TEXT NOT NULL,
    checked_at DOUBLE PRECISION NOT NULL,
    failure TEXT NOT NULL DEFAULT '',
    failed_at DOUBLE PRECISION NOT NULL DEFAULT 0,
    PRIMARY KEY (health_check, node)
);
