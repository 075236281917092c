"""HTTP in, HTTP out: who asks, which operation, may they, and the answer in the caller's own protocol."""
