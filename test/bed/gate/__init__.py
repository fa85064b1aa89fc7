"""The gate: AWS for tests. A WSGI application around moto that mends, paces, fails, records and checks (see README.md)."""
