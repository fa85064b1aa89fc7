"""The macro AWS::Serverless-2016-10-31, by AWS's own translator (aws-sam-translator)."""

from __future__ import annotations

import copy
import logging
import os
from typing import Any

from .template import Values, invalid

MACRO = "AWS::Serverless-2016-10-31"
# What the translator asks IAM for: names of managed policies that templates may give without an ARN.
POLICIES = (
    "AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole", "AWSLambdaRole", "AWSXRayDaemonWriteAccess",
    "AWSXrayWriteOnlyAccess", "AmazonRDSDataFullAccess",
)


class Policies:
    def load(self) -> dict[str, str]:
        return {name: f"arn:aws:iam::aws:policy/{'' if name.startswith(('AWSX', 'Amazon')) else 'service-role/'}{name}" for name in POLICIES}


def expand(template: Values, parameters: Values, region: str) -> Values:
    macros = template["Transform"] if isinstance(template["Transform"], list) else [template["Transform"]]
    if macros != [MACRO]:
        raise invalid(f"the test bed knows the macro {MACRO} only, not {macros}")
    # Not for gates that never see such a template: its import takes a second.
    logging.getLogger("samtranslator").setLevel(logging.CRITICAL)
    os.environ.setdefault("AWS_DEFAULT_REGION", region)
    from samtranslator.model.exceptions import InvalidDocumentException
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator

    translator: Any = Translator({}, Parser())
    translator.managed_policy_loader = None
    translator._get_managed_policy_map = Policies().load
    try:
        translated = translator.translate(copy.deepcopy(template), dict(parameters), get_managed_policy_map=Policies().load)
    except InvalidDocumentException as error:
        causes = "; ".join(cause.message for cause in error.causes)
        raise invalid(f"Transform {MACRO} failed with: Invalid Serverless Application Specification document. Number of errors found: {len(error.causes)}. {causes}") from None
    return {key: value for key, value in translated.items() if key not in ("Transform", "Globals")}
