"""Who somebody is, what session they are in, and its end."""
