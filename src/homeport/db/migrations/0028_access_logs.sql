-- Files of access logs that wait to be put into their buckets.
-- next_try: when they are put next, as those that a bucket or its store has refused are tried later and later.
CREATE TABLE elbv2_access_log_files (
    id TEXT PRIMARY KEY,
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    body BLOB NOT NULL,
    size BIGINT NOT NULL,
    received_at DOUBLE PRECISION NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_try DOUBLE PRECISION NOT NULL
);
CREATE INDEX elbv2_access_log_files_due ON elbv2_access_log_files (next_try);
CREATE INDEX elbv2_access_log_files_by_age ON elbv2_access_log_files (received_at);
