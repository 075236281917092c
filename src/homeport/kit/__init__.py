"""Small things that know no domain: clock, ids, supervision, logging."""
