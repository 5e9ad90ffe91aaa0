"""The shop's account at AWS: moto for what it has, a fake at the wire for Pod Identity.

moto's EKS has no associations of Pod Identity. Their form is that of the API's reference:
https://docs.aws.amazon.com/eks/latest/APIReference/API_ListPodIdentityAssociations.html
"""

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest

from cloudmart.cli.iam import policies
from cloudmart.local.embedded import REGION
from cloudmart.settings import DynamoDBSettings
from cloudmart.tables.schema import shop_tables
from cloudmart.tables.steps import table_definition
from tests.support.fault_proxy import FaultProxy, fault_proxy
from tests.support.scripted_server import LoopbackServer, Reply, Request, loopback
from tests.support.shop_tables import ENVIRONMENT, fresh_names, let_use_indexes

ACCOUNT = "210987654321"
CLUSTER = "shop"
AUDIENCE = "sts.amazonaws.com"
SUBJECT = "system:serviceaccount:default:cloudmart-backend-sa"


@dataclass(slots=True)
class ShopAws:
    """An account with a provider, a role, tables and a cluster."""

    key: str
    proxy: FaultProxy
    names: DynamoDBSettings
    token: Path
    associations: list[dict[str, Any]] = field(default_factory=list)
    _credentials: Mapping[str, str] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        """The issuer of the cluster's tokens."""
        return f"https://oidc.eks.{REGION}.amazonaws.com/id/{self.key.upper()}"

    @property
    def provider(self) -> str:
        """The account's provider for this issuer."""
        return f"arn:aws:iam::{ACCOUNT}:oidc-provider/{self.issuer.removeprefix('https://')}"

    @property
    def role_name(self) -> str:
        """The role of the service."""
        return f"cloudmart-{self.key}"

    @property
    def role(self) -> str:
        """The ARN of the role."""
        return f"arn:aws:iam::{ACCOUNT}:role/{self.role_name}"

    @property
    def injected(self) -> dict[str, str]:
        """The variables that EKS's webhook adds to a pod."""
        return {"AWS_ROLE_ARN": self.role, "AWS_WEB_IDENTITY_TOKEN_FILE": str(self.token)}

    @property
    def environ(self) -> dict[str, str]:
        """The settings of the service."""
        named = {name: getattr(self.names, each) for name, each in ENVIRONMENT.items()}
        return {**self.injected, **named}

    def client(self, service: str, region: str = REGION) -> Any:  # noqa: ANN401 - boto3's
        """Return a client with the rights of the account's owner."""
        url = self.proxy.engine
        return boto3.client(service, region_name=region, endpoint_url=url, **self._credentials)

    def claims(self, expires: datetime, **claims: Any) -> None:  # noqa: ANN401 - any JSON
        """Write a pod's token with some claims, as the kubelet does."""
        told = {
            "iss": self.issuer,
            "aud": [AUDIENCE],
            "sub": SUBJECT,
            "exp": expires.timestamp(),
            **claims,
        }
        payload = base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")
        self.token.write_text(f"eyJhbGciOiJub25lIn0.{payload}.signature")

    def trust(self, policy: Mapping[str, Any]) -> None:
        """Give the role another trust policy."""
        self.client("iam").update_assume_role_policy(
            RoleName=self.role_name, PolicyDocument=json.dumps(policy)
        )

    @property
    def trust_policy(self) -> dict[str, Any]:
        """The trust policy that `cloudmart iam render` prints."""
        values = dict.fromkeys(
            (
                *("agent_alias_id", "agent_id", "bedrock_region", "bucket", "foundation_model"),
                *("function", "inference_profile", "model_arn", "queue_arn", "secret_arn"),
            )
        )
        known = {
            "partition": "aws",
            "account": ACCOUNT,
            "region": REGION,
            "oidc_provider": self.issuer.removeprefix("https://"),
            "namespace": "default",
            **self.names.model_dump(),
        }
        return policies(values | known)["serve-trust"]

    def associate(self) -> None:
        """Associate the ServiceAccount with the role."""
        self.associations.append(
            {
                "clusterName": CLUSTER,
                "namespace": "default",
                "serviceAccount": "cloudmart-backend-sa",
                "associationArn": f"arn:aws:eks:{REGION}:{ACCOUNT}:podidentityassociation/shop/a-1",
                "associationId": "a-1",
            }
        )

    def answer_eks(self, request: Request) -> Reply:
        """Answer as EKS does."""
        assert request.path.startswith(f"/clusters/{CLUSTER}/pod-identity-associations?")
        return Reply.json(200, {"associations": self.associations})


@contextmanager
def shop_aws(engine: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ShopAws]:
    """Create the account, and set this process's environment like a pod's."""
    with fault_proxy(engine) as proxy, loopback() as eks:
        key = uuid4().hex
        aws = ShopAws(key, proxy, fresh_names(), directory / "token", _credentials=_owner(engine))
        eks.answer = aws.answer_eks
        _reach(monkeypatch, proxy, eks, aws)
        _make_identity(aws)
        make_tables(aws)
        yield aws


def _reach(
    monkeypatch: pytest.MonkeyPatch, proxy: FaultProxy, eks: LoopbackServer, aws: ShopAws
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_ENDPOINT_URL": proxy.engine,
        "AWS_ENDPOINT_URL_DYNAMODB": proxy.url,
        "AWS_ENDPOINT_URL_EKS": eks.url,
        "AWS_EC2_METADATA_DISABLED": "true",
        **aws.injected,
    }.items():
        monkeypatch.setenv(name, value)


def _owner(engine: str) -> dict[str, str]:
    # moto takes the account from the access key.
    sts = boto3.client("sts", region_name=REGION, endpoint_url=engine)
    role = f"arn:aws:iam::{ACCOUNT}:role/owner"
    given = sts.assume_role(RoleArn=role, RoleSessionName="owner")["Credentials"]
    return {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }


def _make_identity(aws: ShopAws) -> None:
    iam = aws.client("iam")
    iam.create_open_id_connect_provider(Url=aws.issuer, ClientIDList=[AUDIENCE])
    iam.create_role(RoleName=aws.role_name, AssumeRolePolicyDocument=json.dumps(aws.trust_policy))


def make_tables(aws: ShopAws, region: str = REGION) -> None:
    """Create the tables with the schema's structure and everything that an operator turns on."""
    dynamodb = aws.client("dynamodb", region)
    recovery = {"PointInTimeRecoveryEnabled": True}
    for schema in shop_tables(aws.names):
        dynamodb.create_table(**table_definition(schema))
        dynamodb.update_continuous_backups(
            TableName=schema.name, PointInTimeRecoverySpecification=recovery
        )
        if schema.expires:
            expiry = {"Enabled": True, "AttributeName": schema.expires}
            dynamodb.update_time_to_live(TableName=schema.name, TimeToLiveSpecification=expiry)
    let_use_indexes(dynamodb, aws.names)
