"""Engine versions and instance classes of PostgreSQL: a few real ones, enough to be right or wrong about.

Sources: https://docs.aws.amazon.com/AmazonRDS/latest/PostgreSQLReleaseNotes/postgresql-versions.html
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Support.html
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Concepts.DBInstanceClass.html
"""

from __future__ import annotations

from typing import Any

from ..errors import AwsError
from ..registry import invents

VERSIONS = {
    "postgres": ["15.14", "16.10", "17.5", "17.6", "17.9", "18.3"],
    "aurora-postgresql": ["15.13", "16.9", "17.5", "17.9"],
}
CLASSES = {
    "postgres": [
        "db.t4g.micro", "db.t4g.small", "db.t4g.medium", "db.t4g.large", "db.t3.micro", "db.t3.medium",
        "db.m7g.large", "db.m6g.large", "db.r7g.large", "db.r6g.large", "db.r7g.16xlarge",
    ],
    "aurora-postgresql": ["db.serverless", "db.t4g.medium", "db.t4g.large", "db.r7g.large", "db.r6g.large"],
}
# A real class that PostgreSQL of RDS does not run on.
UNSUPPORTED_CLASSES = ["db.x1.16xlarge", "db.serverless", "db.z1d.large"]


def resolve_version(engine: str, asked: str | None) -> str:
    """A major version stands for its newest minor; raises what RDS says of one it does not know."""
    versions = VERSIONS[engine]
    if asked is None:
        return default_version(engine)
    fitting = [version for version in versions if version == asked or version.split(".")[0] == asked]
    if not fitting:
        raise AwsError("InvalidParameterCombination", f"Cannot find version {asked} for {engine}", 400)
    return fitting[-1]


def default_version(engine: str) -> str:
    return [version for version in VERSIONS[engine] if version.startswith("17")][-1]


def check_class(engine: str, name: str, version: str) -> None:
    if name in CLASSES[engine]:
        return
    if name in UNSUPPORTED_CLASSES or any(name in classes for classes in CLASSES.values()):
        raise AwsError(
            "InvalidParameterCombination",
            "RDS does not support creating a DB instance with the following combination: "
            f"DBInstanceClass={name}, Engine={engine}, EngineVersion={version}, LicenseModel=postgresql-license. "
            "For supported combinations of instance class and database engine version, see the documentation.",
            400,
        )
    raise AwsError("InvalidParameterValue", f"Invalid DB Instance class: {name}", 400)


def family(engine: str, version: str) -> str:
    return f"{engine}{version.split('.')[0]}"


@invents("rds-engine-versions", "rds", "DescribeDBEngineVersions")
def describe_versions(call: Any) -> dict[str, Any]:
    input = call.input
    found = []
    for engine, versions in VERSIONS.items():
        for version in versions:
            if input.get("Engine") not in (None, engine):
                continue
            if input.get("EngineVersion") not in (None, version, version.split(".")[0]):
                continue
            if input.get("DBParameterGroupFamily") not in (None, family(engine, version)):
                continue
            if input.get("DefaultOnly") and version != default_version(engine):
                continue
            found.append(described_version(engine, version))
    return {"DBEngineVersions": found}


def described_version(engine: str, version: str) -> dict[str, Any]:
    later = [one for one in VERSIONS[engine] if parts(one) > parts(version)]
    return {
        "Engine": engine,
        "MajorEngineVersion": version.split(".")[0],
        "EngineVersion": version,
        "DBParameterGroupFamily": family(engine, version),
        "DBEngineDescription": "PostgreSQL" if engine == "postgres" else "Aurora (PostgreSQL)",
        "DBEngineVersionDescription": f"PostgreSQL {version}",
        "ValidUpgradeTarget": [
            {
                "Engine": engine,
                "EngineVersion": one,
                "Description": f"PostgreSQL {one}",
                "AutoUpgrade": False,
                "IsMajorVersionUpgrade": one.split(".")[0] != version.split(".")[0],
            }
            for one in later
        ],
        "ExportableLogTypes": ["postgresql", "upgrade", "iam-db-auth-error"],
        "SupportsLogExportsToCloudwatchLogs": True,
        "SupportsReadReplica": engine == "postgres",
        "SupportedCACertificateIdentifiers": ["rds-ca-rsa2048-g1", "rds-ca-ecc384-g1", "rds-ca-rsa4096-g1"],
        "Status": "available",
    }


def parts(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


@invents("rds-orderable-options", "rds", "DescribeOrderableDBInstanceOptions")
def describe_orderable(call: Any) -> dict[str, Any]:
    engine, asked, name = call.input["Engine"], call.input.get("EngineVersion"), call.input.get("DBInstanceClass")
    if engine not in VERSIONS:
        raise AwsError("InvalidParameterValue", f"Unrecognized engine name: {engine}", 400)
    options = [
        orderable(engine, version, one, call.region)
        for version in VERSIONS[engine]
        for one in CLASSES[engine]
        if asked in (None, version, version.split(".")[0]) and name in (None, one)
    ]
    return {"OrderableDBInstanceOptions": options}


def orderable(engine: str, version: str, name: str, region: str) -> dict[str, Any]:
    aurora = engine != "postgres"
    option = {
        "Engine": engine,
        "EngineVersion": version,
        "DBInstanceClass": name,
        "LicenseModel": "postgresql-license",
        "AvailabilityZones": [{"Name": f"{region}{letter}"} for letter in "abc"],
        "MultiAZCapable": not aurora,
        "ReadReplicaCapable": True,
        "Vpc": True,
        "SupportsStorageEncryption": True,
        "StorageType": "aurora" if aurora else "gp3",
        "SupportsIAMDatabaseAuthentication": True,
        "SupportsPerformanceInsights": True,
        "SupportsStorageAutoscaling": not aurora,
    }
    return option if aurora else {**option, "MinStorageSize": 20, "MaxStorageSize": 65536}


@invents("rds-valid-modifications", "rds", "DescribeValidDBInstanceModifications")
def describe_valid_modifications(call: Any) -> dict[str, Any]:
    call.aws("rds", "DescribeDBInstances", DBInstanceIdentifier=call.input["DBInstanceIdentifier"])
    storage = [{"StorageType": "gp3", "StorageSize": [{"From": 20, "To": 65536, "Step": 1}], "SupportsStorageAutoscaling": True}]
    return {"ValidDBInstanceModificationsMessage": {"Storage": storage}}
