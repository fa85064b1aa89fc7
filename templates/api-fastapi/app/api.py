from fastapi import FastAPI
from mangum import Mangum

from lambdapg_runtime.sqlalchemy_engine import with_probe

from . import authors, books, health, loans, reviews
from .db import engine
from .errors import Failure, answer_errors
from .web import Invocation

app = FastAPI(
    title="__PROJECT__",
    # `/books/` is another path than `/books`: a redirect would lead past what the gateway knows of itself.
    redirect_slashes=False,
    redoc_url=None,
    responses={"4XX": {"model": Failure, "description": "What is wrong with the request"}},
)
answer_errors(app)
app.add_middleware(Invocation)
for module in (health, books, reviews, authors, loans):
    app.include_router(module.router)

# API Gateway sends everything here ("$default" in lambdapg.json): `app` alone knows the routes, so a wrong path (404)
# and a wrong method (405) get the same JSON errors as everything else, here and in the cloud. /docs shows the routes. Only
# `lambdapg rotate-creds`, which may ask the function which login it has, is answered before.
handler = with_probe(engine)(Mangum(app, lifespan="off"))
