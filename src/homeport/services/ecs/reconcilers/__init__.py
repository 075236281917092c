"""What ECS keeps true without being asked: waiting tasks get a place, old records go away."""
