from typing import Any

from fastapi import APIRouter
from sqlalchemy import text

from .schemas import Health
from .web import DbSession

router = APIRouter(tags=["health"])


@router.get("/health", response_model=Health)
def get_health(session: DbSession) -> Any:
    """Healthy means that a statement ran, not merely that the function did."""
    postgres = session.scalar(text("select current_setting('server_version_num')::int / 10000"))
    return {"status": "ok", "postgres": postgres}
