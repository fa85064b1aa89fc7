"""The types of resources that the bed's CloudFormation knows. A type that is none of them fails its stack."""

from . import custom, databases, events, functions, http_apis, identity, network, proxies, secrets, security_groups, storage  # noqa: F401
from .declare import ResourceType, Work, type_of, types  # noqa: F401
