"""What moto does anew for each request although its answer never changes: half of the time of a small call, and most of an account's first."""

from __future__ import annotations

import functools
import json
import re

import moto.backends
import moto.core.errors
import moto.core.responses
import moto.iam.models

# moto parses all of AWS's managed policies for each account (0.1 s and more); these are the ones somebody here attaches.
POLICIES = re.compile(r"AWSLambda|AWSCloudFormationReadOnlyAccess|AmazonRDS|AmazonVPC|SecretsManager|CloudWatchLogs|AmazonAPIGateway|AWSXRay|AmazonSSMManaged|(Administrator|PowerUser|ReadOnly)Access$")


def cache_lookups() -> None:
    modules = list(moto.backends.list_of_moto_modules())
    lookups = moto.core.errors.ErrorLookupFactory()
    setattr(moto.backends, "list_of_moto_modules", lambda: modules)
    setattr(moto.core.errors, "ErrorLookupFactory", lambda: lookups)
    policies = json.loads(moto.iam.models.aws_managed_policies_data)
    kept = {name: policy for name, policy in policies.items() if POLICIES.match(name)}
    setattr(moto.iam.models, "aws_managed_policies_data", json.dumps(kept))
    setattr(moto.core.responses, "method_names_from_class", functools.cache(moto.core.responses.method_names_from_class))
