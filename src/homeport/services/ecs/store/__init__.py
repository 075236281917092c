"""SQL of ECS: rows to documents and back, no decisions."""
