-- Certificates with their private keys, all PEM; summary is what was read from the certificate.
CREATE TABLE acm_certificates (
    arn TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    imported_at DOUBLE PRECISION NOT NULL,
    body TEXT NOT NULL,
    chain TEXT NOT NULL,
    private_key TEXT NOT NULL,
    key_algorithm TEXT NOT NULL,
    not_after DOUBLE PRECISION NOT NULL,
    summary TEXT NOT NULL,
    tags TEXT NOT NULL
);
CREATE INDEX acm_certificates_listed ON acm_certificates (region, created_at, arn);
-- Who serves which certificate.  stale: the certificate has been replaced since its user was told.
CREATE TABLE acm_uses (
    certificate TEXT NOT NULL,
    user_arn TEXT NOT NULL,
    stale INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (certificate, user_arn)
);
CREATE INDEX acm_uses_by_user ON acm_uses (user_arn);
CREATE INDEX acm_uses_stale ON acm_uses (user_arn) WHERE stale = 1;
