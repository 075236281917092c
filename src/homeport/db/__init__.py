"""Durable state: one transaction a request, grouped commits, the same SQL on SQLite and PostgreSQL."""
