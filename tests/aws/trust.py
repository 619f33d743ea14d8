"""Whether a role's trust policy lets somebody in, as IAM decides it: by this file and not by moto."""
import json
import re

from moto.iam.models import iam_backends


def texts(value):
    return value if isinstance(value, list) else [value]


def like(pattern, text):
    parts = re.split(r"([*?])", pattern)
    expression = "".join({"*": ".*", "?": "."}.get(part, re.escape(part)) for part in parts)
    return re.fullmatch(expression, text, re.S) is not None


OPERATORS = {"StringEquals": str.__eq__, "StringLike": like}


def meets(condition, context):
    """All operators and keys must be met, each by any of its values; a key that is absent is not."""
    return all(
        key in context and any(OPERATORS[operator](value, context[key]) for value in texts(values))
        for operator, keys in condition.items() for key, values in keys.items())


def role_of(arn):
    account = arn.split(":")[4]
    roles = iam_backends[account]["aws"].roles.values()
    return next((role for role in roles if role.arn == arn), None)


def allows(role, action, kind, principal, context):
    """`principal` is an ARN; the root of its account stands for it."""
    account = principal.split(":")[4]
    names = {principal, f"arn:aws:iam::{account}:root"} if kind == "AWS" else {principal}
    document = json.loads(role.assume_role_policy_document)
    return any(
        statement["Effect"] == "Allow"
        and action in texts(statement["Action"])
        and names & set(texts(statement["Principal"].get(kind, [])))
        and meets(statement.get("Condition", {}), context)
        for statement in texts(document["Statement"]))


def provider_of(account, issuer):
    """The OIDC provider of an account for an issuer."""
    providers = iam_backends[account]["aws"].open_id_providers.values()
    wanted = issuer.removeprefix("https://")
    return next((one for one in providers if one.url.removeprefix("https://") == wanted), None)
