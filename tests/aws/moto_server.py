#!/usr/bin/env python3
"""AWS on loopback: moto, with what it leaves open closed as AWS has it.

Usage: moto_server.py <WORLD     reads one line of JSON, prints the port, ends when standard input does

The world: {"clusters": [{"name", "region", and of "account", "status", "endpoint", "ca", "version",
"issuer", "mode", "outpost_id", "fargate": {PROFILE: [SELECTOR]}}], "roles": {ARN: EXTERNAL-ID or
null}, "web": {ARN: SUBJECT}, "denied": [ACTION]}.

moto gives AssumeRole to anybody for any role; here a role must be known, and its external ID must
match. AssumeRoleWithWebIdentity takes a token whose `sub` the role trusts, whose `aud` is
sts.amazonaws.com and whose `exp` is to come; no signature is checked. Roles that were made with
CreateRole let in whom their trust policy does. Keys whose ID begins with
AKIAEXPIRED or AKIAUNKNOWN are refused.
"""
import base64
import json
import os
import sys
import time

os.environ.setdefault("MOTO_CALL_RESET_API", "false")
sys.dont_write_bytecode = True

from moto.core.exceptions import ServiceException  # noqa: E402
from moto.eks.models import eks_backends  # noqa: E402
from moto.eks.responses import EKSResponse  # noqa: E402
from moto.server import ThreadedMotoServer  # noqa: E402
from moto.sts.models import STSBackend  # noqa: E402
from moto.sts.responses import TokenResponse  # noqa: E402

import trust  # noqa: E402

WORLD = {}
ACCOUNT = "123456789012"


def refuse(code, message, service="sts"):
    # moto takes the service from the module of the class.
    module = {"__module__": f"moto.{service}.exceptions"}
    raise type(code, (ServiceException,), module)(code, message)


def key_id(response):
    authorization = response.headers.get("Authorization", "")
    return authorization.partition("Credential=")[2].partition("/")[0]


def check_caller(response, action):
    key, service = key_id(response), action.partition(":")[0]
    names = ("ExpiredToken", "InvalidClientTokenId", "AccessDenied")
    if service == "eks":
        names = ("ExpiredTokenException", "UnrecognizedClientException", "AccessDeniedException")
    expired, unknown, denied = names
    if key.startswith("AKIAEXPIRED"):
        refuse(expired, "The security token included in the request is expired", service)
    if key.startswith("AKIAUNKNOWN"):
        refuse(unknown, "The security token included in the request is invalid.", service)
    if action in WORLD.get("denied", []):
        refuse(denied, f"User: {key} is not authorized to perform: {action}", service)


def guarded(owner, method, action, also=None):
    inner = getattr(owner, method)

    def outer(self, *args, **kwargs):
        check_caller(self, action)
        if also:
            also(self)
        return inner(self, *args, **kwargs)

    setattr(owner, method, outer)


def check_role(response):
    role = response._get_param("RoleArn")
    caller = f"arn:aws:iam::{ACCOUNT}:user/moto"
    external_id = response._get_param("ExternalId")
    made = trust.role_of(role)
    if made:
        context = {"sts:ExternalId": external_id} if external_id else {}
        is_trusted = trust.allows(made, "sts:AssumeRole", "AWS", caller, context)
    else:
        roles = WORLD.get("roles", {})
        is_trusted = role in roles and roles[role] in (None, external_id)
    if not is_trusted:
        refuse("AccessDenied",
               f"User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role}")


def is_web_identity_trusted(role, claims):
    made = trust.role_of(role)
    if not made:
        return WORLD.get("web", {}).get(role) == claims.get("sub")
    account, issuer = role.split(":")[4], claims["iss"].removeprefix("https://")
    provider = trust.provider_of(account, issuer)
    audience = claims["aud"] if isinstance(claims["aud"], str) else claims["aud"][0]
    if not provider or audience not in provider.client_id_list:
        refuse("InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {issuer}")
    context = {f"{issuer}:aud": audience, f"{issuer}:sub": claims["sub"]}
    return trust.allows(made, "sts:AssumeRoleWithWebIdentity", "Federated", provider.arn, context)


def check_web_identity(response):
    role = response._get_param("RoleArn")
    try:
        payload = response._get_param("WebIdentityToken").split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        refuse("InvalidIdentityToken", "The ID Token provided is not a valid JWT.")
    if claims.get("exp", 0) <= time.time():
        refuse("ExpiredTokenException", "Token expired: current date/time must be before the expiration")
    if claims.get("aud") not in ("sts.amazonaws.com", ["sts.amazonaws.com"]):
        refuse("InvalidIdentityToken", "Incorrect token audience")
    if not is_web_identity_trusted(role, claims):
        refuse("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")


def make(cluster):
    account, region = cluster.get("account", ACCOUNT), cluster["region"]
    backend = eks_backends[account][region]
    made = backend.create_cluster(
        name=cluster["name"],
        role_arn=f"arn:aws:iam::{account}:role/eks",
        resources_vpc_config={"endpointPublicAccess": True, "endpointPrivateAccess": False},
        version=cluster.get("version", "1.35"),
    )
    for name, selectors in cluster.get("fargate", {}).items():
        backend.create_fargate_profile(
            fargate_profile_name=name, cluster_name=cluster["name"], selectors=selectors,
            pod_execution_role_arn=f"arn:aws:iam::{account}:role/pods")
    made.status = cluster.get("status", "ACTIVE")
    if "endpoint" in cluster:
        made.endpoint = cluster["endpoint"]
    if "ca" in cluster:
        made.certificate_authority = {"data": cluster["ca"]}
    if "issuer" in cluster:
        made.identity = {"oidc": {"issuer": cluster["issuer"]}}
    # What moto's clusters lack, and its serializer takes where it is there.
    if "mode" in cluster:
        made.access_config = {"authenticationMode": cluster["mode"]}
    if "outpost_id" in cluster:
        made.id = cluster["outpost_id"]
        made.outpost_config = {"outpostArns": ["arn:aws:outposts:::o"],
                               "controlPlaneInstanceType": "m5.large"}


guarded(TokenResponse, "assume_role", "sts:AssumeRole", check_role)
guarded(TokenResponse, "assume_role_with_web_identity", "sts:AssumeRoleWithWebIdentity",
        check_web_identity)
guarded(TokenResponse, "get_caller_identity", "sts:GetCallerIdentity")
guarded(EKSResponse, "describe_cluster", "eks:DescribeCluster")


def serve(world):
    """Starts a server for this world, and returns its port."""
    WORLD.update(world)
    for cluster in WORLD.get("clusters", []):
        make(cluster)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    return server.get_host_and_port()[1]


if __name__ == "__main__":
    print(serve(json.loads(sys.stdin.readline())), flush=True)
    sys.stdin.read()
