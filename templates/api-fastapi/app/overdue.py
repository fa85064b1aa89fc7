import json
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from lambdapg_runtime import start_invocation
from lambdapg_runtime.sqlalchemy_engine import with_probe

from .db import engine, new_session
from .models import Loan


@with_probe(engine)
def handler(_event: object, context: Any) -> dict[str, Any]:
    """Runs on a schedule (see lambdapg.json), not by HTTP: what it returns goes to whoever invoked it."""
    start_invocation(context)
    statement = (
        select(Loan, (func.current_date() - Loan.due_on).label("days"))
        .where(Loan.due_on < func.current_date())
        .order_by(Loan.due_on, Loan.id)
        .options(joinedload(Loan.book), joinedload(Loan.borrower))
    )
    with new_session() as session:
        overdue = [_describe(loan, days) for loan, days in session.execute(statement)]
    print(json.dumps({"level": "INFO", "message": f"{len(overdue)} overdue"}), flush=True)
    return {"overdue": overdue}


def _describe(loan: Loan, days: int) -> dict[str, Any]:
    return {
        "loan_id": loan.id,
        "title": loan.book.title,
        "borrower": loan.borrower.name,
        "email": loan.borrower.email,
        "due_on": loan.due_on.isoformat(),
        "days_overdue": days,
    }
