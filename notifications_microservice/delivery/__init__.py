"""The delivery: a dispatcher sends what is due by SMTP, and records what becomes of it."""
