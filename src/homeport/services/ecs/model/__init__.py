"""The resources of ECS as plain values; no SQL, no decisions beyond what a value knows of itself."""
