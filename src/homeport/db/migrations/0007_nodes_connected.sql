-- Whether a session with the node is open: what the API calls a connected agent.
ALTER TABLE nodes ADD COLUMN connected INTEGER NOT NULL DEFAULT 0;
