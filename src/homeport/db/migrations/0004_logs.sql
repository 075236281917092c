-- CloudWatch Logs.  Times are milliseconds since the epoch, as in the API; a time of 0 means "none yet".
-- Names compare by bytes (SQLite's default; a PostgreSQL database is created with collation C).

CREATE TABLE log_groups (
    id BIGINT PRIMARY KEY,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    created BIGINT NOT NULL,
    retention_days INTEGER NOT NULL DEFAULT 0,
    stored_bytes BIGINT NOT NULL DEFAULT 0,
    tags TEXT NOT NULL DEFAULT '{}',
    UNIQUE (region, name)
);

CREATE INDEX log_groups_with_retention ON log_groups (retention_days);

CREATE TABLE log_streams (
    id BIGINT PRIMARY KEY,
    group_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    created BIGINT NOT NULL,
    first_event BIGINT NOT NULL DEFAULT 0,
    last_event BIGINT NOT NULL DEFAULT 0,
    last_ingestion BIGINT NOT NULL DEFAULT 0,
    stored_bytes BIGINT NOT NULL DEFAULT 0,
    next_sequence BIGINT NOT NULL DEFAULT 1,
    UNIQUE (group_id, name)
);

CREATE INDEX log_streams_by_last_event ON log_streams (group_id, last_event, name);

CREATE INDEX log_streams_by_first_event ON log_streams (group_id, first_event);

-- Every read is a range of one stream; the sequence number keeps events of one millisecond in the order they came.
CREATE TABLE log_events (
    stream_id BIGINT NOT NULL,
    timestamp BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    ingested BIGINT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (stream_id, timestamp, sequence)
);

-- How far each container's output is held.  A finished source stays a while, so that its last batch,
-- sent again because the answer was lost, is known for what it is.
CREATE TABLE log_cursors (
    source TEXT PRIMARY KEY,
    held_to BIGINT NOT NULL,
    finished BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX log_cursors_by_finished ON log_cursors (finished);

-- Deleted groups and streams whose streams and events are still to be removed, a slice at a time.
CREATE TABLE log_garbage (
    kind TEXT NOT NULL,
    id BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);
