"""Part of lambdapg's connection runtime: do not edit. `app/db.py` is yours."""

import re

_REFUSALS = (
    "password authentication failed",
    "is not permitted to log in",
    # What RDS Proxy says instead of PostgreSQL (aws/aws-secretsmanager-jdbc issue 222, PostHog/posthog pull 64084).
    "RDS proxy has no credentials for the role",
    "The password that was provided for the role",
)

_BUSY = re.compile(
    # 53300 in all its texts: all slots, those of everybody else, a limit of the role or the database, RDS Proxy's.
    "too many clients already|remaining connection slots are reserved|too many connections for (role|database)|"
    "The maximum number of client connections to the proxy exceeded|"
    # RDS Proxy's borrow timeout, and PgBouncer's limit of clients.
    "[Tt]imed-out waiting to acquire database connection|no more connections allowed|"
    # 57P03: the server starts, stops or recovers.
    "the database system is (starting up|shutting down|in recovery mode|not yet accepting|not accepting)"
)

_GONE = re.compile(
    "Connection refused|Connection reset|Broken pipe|[Tt]imed out|timeout expired|No route to host|Name or service not known|"
    "Temporary failure in name resolution|server closed the connection|SSL connection has been closed|SSL SYSCALL error|"
    "terminating connection due to|SSL error: unexpected eof"
)
"""A server that answered before and now does not listen, hangs up or is silent: it is being restarted or replaced."""

# By the texts, because libpq keeps a failed login's SQLSTATE to itself: a server with `lc_messages` in another language
# is not understood.


def is_refused_login(error: Exception) -> bool:
    """Whether the server refused this user or password, so that others may help. Never for want of a free connection
    or for a setting."""
    return any(text in str(error) for text in _REFUSALS)


def is_passing(error: Exception, known: bool) -> bool:
    """Whether the same login may work in a moment. Nothing was sent but the login, so to try again is safe. `known`
    says whether this address was ever logged in to: a wrong one is told at once."""
    return _BUSY.search(str(error)) is not None or (known and _GONE.search(str(error)) is not None)
