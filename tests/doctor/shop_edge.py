"""The edge of the shop: its name, its certificate, its load balancer in moto, its answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.doctor.shop_aws import ShopAws

HOST = "shop.cloudmart.dev"
URL = f"https://{HOST}"


@dataclass(slots=True)
class ShopEdge:
    """The answers outside, and the load balancer."""

    addresses: dict[str, list[str]]
    arn: str
    name: str
    target_group: str
    not_after: str = "Feb  1 12:00:00 2027 GMT"
    pages: dict[str, httpx2.Response] = field(default_factory=dict)

    @property
    def parts(self) -> dict[str, Any]:
        """The options of `DoctorTarget` for the edge."""
        return {
            "url": URL,
            "resolve": self.resolve,
            "certificate": self.certificate,
            "client": self.client,
        }

    def resolve(self, host: str) -> Sequence[str]:
        """Return the addresses of a name."""
        if host not in self.addresses:
            raise OSError(-2, "Name or service not known")
        return self.addresses[host]

    def certificate(self, host: str, port: int) -> Mapping[str, Any]:
        """Return the certificate."""
        assert (host, port) == (HOST, 443)
        return {"notAfter": self.not_after}

    def client(self) -> httpx2.AsyncClient:
        """Return a client that gets the pages."""
        answer: Callable[[httpx2.Request], httpx2.Response] = lambda request: self.pages[  # noqa: E731
            request.url.path
        ]
        return httpx2.AsyncClient(transport=httpx2.MockTransport(answer))


def shop_edge(aws: ShopAws) -> ShopEdge:
    """Create the load balancer with a healthy target, and the answers behind it."""
    ec2, elb = aws.client("ec2"), aws.client("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.20.{n}.0/24", AvailabilityZone=zone)["Subnet"][
            "SubnetId"
        ]
        for n, zone in enumerate(("us-east-1a", "us-east-1b"))
    ]
    made = elb.create_load_balancer(Name=f"shop-{aws.key[:8]}", Subnets=subnets)
    balancer = made["LoadBalancers"][0]
    arn, name = balancer["LoadBalancerArn"], balancer["DNSName"]
    group = elb.create_target_group(
        Name=f"api-{aws.key[:8]}", Protocol="HTTP", Port=5000, VpcId=vpc, TargetType="ip"
    )["TargetGroups"][0]["TargetGroupArn"]
    elb.create_listener(
        LoadBalancerArn=arn,
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": "10.20.0.9", "Port": 5000}])
    drop = {"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "true"}
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[drop])
    html = {"Content-Type": "text/html; charset=utf-8"}
    page = httpx2.Response(200, headers=html, text="<!doctype html>")
    health = httpx2.Response(200, json={"serviceId": "cloudmart-backend"})
    return ShopEdge(
        {HOST: ["203.0.113.7"], name: ["203.0.113.7", "203.0.113.8"]},
        arn,
        name,
        group,
        pages={"/": page, "/metrics": page, "/api/health": health},
    )
