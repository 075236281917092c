-- Who may sign requests, which nodes there are, and what each node shall have.
CREATE TABLE access_keys (
    id TEXT PRIMARY KEY,
    secret TEXT NOT NULL,
    principal_arn TEXT NOT NULL,
    user_id TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL
);
CREATE TABLE nodes (
    name TEXT PRIMARY KEY,
    facts TEXT NOT NULL,
    generation BIGINT NOT NULL,
    seen_at DOUBLE PRECISION NOT NULL
);
-- A row without a body says that the item was dropped in that generation.
CREATE TABLE assignments (
    node TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    generation BIGINT NOT NULL,
    body TEXT,
    PRIMARY KEY (node, kind, id)
);
CREATE INDEX assignments_by_generation ON assignments (node, generation);
