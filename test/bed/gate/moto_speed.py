"""What moto does anew for each request although its answer never changes: half of the time of a small call."""

from __future__ import annotations

import functools

import moto.backends
import moto.core.errors
import moto.core.responses


def cache_lookups() -> None:
    modules = list(moto.backends.list_of_moto_modules())
    lookups = moto.core.errors.ErrorLookupFactory()
    setattr(moto.backends, "list_of_moto_modules", lambda: modules)
    setattr(moto.core.errors, "ErrorLookupFactory", lambda: lookups)
    setattr(moto.core.responses, "method_names_from_class", functools.cache(moto.core.responses.method_names_from_class))
