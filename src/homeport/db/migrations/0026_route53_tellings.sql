-- How far each node is with names: every change up to this number is in force there.
ALTER TABLE route53_nodes ADD COLUMN synced BIGINT NOT NULL DEFAULT 0;

-- What a node was told and has not taken yet: with this generation of its assignment, all changes up to this number.
CREATE TABLE route53_tellings (
    node TEXT NOT NULL,
    generation BIGINT NOT NULL,
    change_number BIGINT NOT NULL,
    PRIMARY KEY (node, generation)
);
