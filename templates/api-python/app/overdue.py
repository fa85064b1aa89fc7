import json
from typing import Any

from lambdapg_runtime import start_invocation, with_probe

from .db import database, query


@with_probe(database)
def handler(_event: object, context: Any) -> dict[str, Any]:
    """Runs on a schedule (see lambdapg.json), not by HTTP: what it returns goes to whoever invoked it."""
    start_invocation(context)
    overdue = query(
        """select loans.id as loan_id, books.title, borrowers.name as borrower, borrowers.email,
                  loans.due_on::text as due_on, current_date - loans.due_on as days_overdue
           from loans
           join books on books.id = loans.book_id
           join borrowers on borrowers.id = loans.borrower_id
           where loans.due_on < current_date
           order by loans.due_on, loans.id"""
    )
    print(json.dumps({"level": "INFO", "message": f"{len(overdue)} overdue"}), flush=True)
    return {"overdue": overdue}
