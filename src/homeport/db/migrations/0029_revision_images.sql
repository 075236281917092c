-- What the names of a service revision's images mean: as the first task that pulled each has said.
CREATE TABLE ecs_revision_images (
    revision TEXT NOT NULL,
    service TEXT NOT NULL,
    container TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (revision, container)
);
CREATE INDEX ecs_revision_images_of_service ON ecs_revision_images (service);
