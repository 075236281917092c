#!/bin/sh
# What an instance runs at its first boot: where its agent shall register.
cat <<'CONFIG' >> /etc/ecs/ecs.config
ECS_CLUSTER=network-modes
ECS_RESERVED_MEMORY=256
CONFIG
