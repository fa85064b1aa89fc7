"""Prices with amounts that nobody can take for AWS's, and quotas. Shapes of the products:
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html
"""

from __future__ import annotations

import json
from typing import Any

from ..errors import AwsError
from ..registry import invents
from .rds_catalog import CLASSES

# 1111 and the like: a test that sees another number found a price typed into the program.
AMOUNT = 1111


def product(region: str, service: str, family: str, unit: str, amount: float, **attributes: str) -> dict[str, Any]:
    sku = f"TEST{abs(hash((service, family, tuple(sorted(attributes.items()))))) % 10**10:010d}"
    term = {
        "priceDimensions": {
            f"{sku}.JRTCKXETXF.6YS6EN2CT7": {
                "unit": unit,
                "beginRange": "0",
                "endRange": "Inf",
                "description": f"invented by the test bed: {amount} per {unit}",
                "appliesTo": [],
                "rateCode": f"{sku}.JRTCKXETXF.6YS6EN2CT7",
                "pricePerUnit": {"USD": f"{amount:.10f}"},
            }
        },
        "sku": sku,
        "effectiveDate": "2026-11-01T00:00:00Z",
        "offerTermCode": "JRTCKXETXF",
        "termAttributes": {},
    }
    return {
        "product": {"productFamily": family, "sku": sku, "attributes": {"regionCode": region, "servicecode": service, "locationType": "AWS Region", **attributes}},
        "serviceCode": service,
        "terms": {"OnDemand": {f"{sku}.JRTCKXETXF": term}},
        "version": "20261101000000",
        "publicationDate": "2026-11-01T00:00:00Z",
    }


def products(region: str) -> list[dict[str, Any]]:
    found = []
    for at, name in enumerate(CLASSES["postgres"]):
        for option in ("Single-AZ", "Multi-AZ"):
            found.append(product(region, "AmazonRDS", "Database Instance", "Hrs", AMOUNT + at, instanceType=name, databaseEngine="PostgreSQL", deploymentOption=option, licenseModel="No license required", usagetype=f"{'InstanceUsage' if option == 'Single-AZ' else 'Multi-AZUsage'}:{name}", vcpu="2"))
    for option in ("Single-AZ", "Multi-AZ"):
        found.append(product(region, "AmazonRDS", "Database Storage", "GB-Mo", 2222, volumeType="General Purpose-GP3", databaseEngine="PostgreSQL", deploymentOption=option, usagetype="RDS:GP3-Storage" if option == "Single-AZ" else "RDS:Multi-AZ-GP3-Storage"))
    found += [
        product(region, "AmazonRDS", "ServerlessV2", "ACU-Hr", 3333, databaseEngine="Aurora PostgreSQL", usagetype="Aurora:ServerlessV2Usage"),
        product(region, "AmazonRDS", "Database Storage", "GB-Mo", 3334, databaseEngine="Aurora PostgreSQL", volumeType="General Purpose-Aurora", usagetype="Aurora:StorageUsage"),
        product(region, "AmazonRDS", "RDSProxy", "vCPU-Hr", 4444, usagetype="RDS:ProxyUsage", databaseEngine="Any"),
        product(region, "AmazonRDS", "RDSProxy", "ACU-Hr", 4445, usagetype="RDS:Proxy-ASv2-Usage", databaseEngine="Any"),
        product(region, "AmazonVPC", "VpcEndpoint", "Hrs", 5555, group="VPCE:VpcEndpoint", usagetype="VpcEndpoint-Hours", operation="VpcEndpoint"),
        product(region, "AmazonVPC", "VpcEndpoint", "GB", 5556, group="VPCE:VpcEndpoint", usagetype="VpcEndpoint-Bytes", operation="VpcEndpoint"),
        product(region, "AmazonEC2", "NAT Gateway", "Hrs", 6666, group="NGW:NatGateway", usagetype="NatGateway-Hours", operation="NatGateway"),
        product(region, "AmazonEC2", "NAT Gateway", "GB", 6667, group="NGW:NatGateway", usagetype="NatGateway-Bytes", operation="NatGateway"),
        product(region, "AmazonVPC", "", "Hrs", 6668, group="VPCPublicIPv4Address", usagetype="PublicIPv4:InUseAddress"),
        product(region, "AWSSecretsManager", "Secret", "Secrets", 7777, group="SecretsManager", usagetype="AWSSecretsManager-Secrets"),
    ]
    return found


@invents("price-list", "pricing", "GetProducts")
def get_products(call: Any) -> dict[str, Any]:
    filters = call.input.get("Filters", [])
    region = next((one["Value"] for one in filters if one["Field"] == "regionCode"), "us-east-1")
    found = [one for one in products(region) if one["serviceCode"] == call.input["ServiceCode"] and all(fits(one, item) for item in filters)]
    size, start = call.input.get("MaxResults", 100), int(call.input.get("NextToken") or 0)
    more = {"NextToken": str(start + size)} if start + size < len(found) else {}
    return {"FormatVersion": "aws_v1", "PriceList": [json.dumps(one) for one in found[start : start + size]], **more}


def fits(one: dict[str, Any], item: dict[str, Any]) -> bool:
    attributes = {**one["product"]["attributes"], "productFamily": one["product"]["productFamily"]}
    held = attributes.get(item["Field"], "")
    return item["Value"] in held if item["Type"] == "CONTAINS" else held == item["Value"]


QUOTAS = {
    "rds": {"L-7B6409FD": ("DB instances", 40), "L-952B80B8": ("DB clusters", 40), "L-D94C7EA3": ("Proxies", 20)},
    "lambda": {"L-B99A9384": ("Concurrent executions", 1000)},
    "vpc": {"L-F678F1CE": ("VPCs per Region", 5), "L-DF5E4CA3": ("Network interfaces per Region", 5000)},
    "ec2": {"L-0263D0A3": ("EC2-VPC Elastic IPs", 5)},
}


def quota(call: Any, service: str, code: str) -> dict[str, Any]:
    name, value = QUOTAS[service][code]
    return {
        "ServiceCode": service,
        "ServiceName": service.upper(),
        "QuotaArn": f"arn:aws:servicequotas:{call.region}:{call.account.id}:{service}/{code}",
        "QuotaCode": code,
        "QuotaName": name,
        "Value": float(value),
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
    }


@invents("service-quotas", "service-quotas", "GetServiceQuota", "GetAWSDefaultServiceQuota")
def get_quota(call: Any) -> dict[str, Any]:
    service, code = call.input["ServiceCode"], call.input["QuotaCode"]
    if code not in QUOTAS.get(service, {}):
        raise AwsError("NoSuchResourceException", "The request failed because the specified service does not exist.", 400)
    return {"Quota": quota(call, service, code)}


@invents("service-quotas", "service-quotas", "ListServiceQuotas", "ListAWSDefaultServiceQuotas")
def list_quotas(call: Any) -> dict[str, Any]:
    service = call.input["ServiceCode"]
    return {"Quotas": [quota(call, service, code) for code in QUOTAS.get(service, {})]}
