-- Which services a target group's targets belong to: those must be looked at when a target's state changes.
CREATE TABLE ecs_service_target_groups (
    target_group TEXT NOT NULL,
    service TEXT NOT NULL,
    PRIMARY KEY (target_group, service)
);
CREATE INDEX ecs_service_target_groups_of_service ON ecs_service_target_groups (service);
