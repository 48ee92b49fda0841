"""STS: whose keys these are, and temporary keys of roles. Any role can be assumed unless a setting says otherwise;
what is then done is still noted as its user's, in the role's account."""

import datetime
import secrets
import urllib.parse

from . import web
from .world import Failure

LIFETIME_S = 3600


def form(request):
    return dict(urllib.parse.parse_qsl(request.body.decode("utf-8", "replace")))


def operation_of(request):
    return form(request).get("Action", "")


def answer(call):
    if call.operation == "GetCallerIdentity":
        return result(call, f"<Account>{call.account}</Account>")
    if call.operation == "AssumeRole":
        return assume_role(call, form(call.request).get("RoleArn", ""))
    raise Failure(400, "InvalidAction", f"Could not find operation {call.operation} for version 2011-06-15")


def assume_role(call, arn):
    parts = arn.split(":")
    if len(parts) != 6 or call.world.settings["roles"].get(arn, {}).get("not_assumable"):
        raise Failure(403, "AccessDenied", f"User: arn:aws:iam::{call.account}:user/{call.user} is not authorized to perform: sts:AssumeRole on resource: {arn}")
    key, secret, token = f"ASIAFAKE{secrets.token_hex(6).upper()}", secrets.token_urlsafe(30), secrets.token_urlsafe(60)
    expires = call.world.wall() + LIFETIME_S
    call.world.keys[key] = {"secret": secret, "account": parts[4], "user": call.user, "token": token, "expires": expires}
    when = datetime.datetime.fromtimestamp(expires, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    name = parts[5].rpartition("/")[2]
    return result(
        call,
        f"<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>"
        f"<SessionToken>{token}</SessionToken><Expiration>{when}</Expiration></Credentials>"
        f"<AssumedRoleUser><Arn>arn:aws:sts::{parts[4]}:assumed-role/{name}/kubelambda</Arn></AssumedRoleUser>",
    )


def result(call, members):
    name = call.operation
    body = f'<{name}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{name}Result>{members}</{name}Result></{name}Response>'
    return web.Answer(200, body.encode(), {"Content-Type": "text/xml"})


def error(failure):
    body = f"<ErrorResponse><Error><Type>Sender</Type><Code>{failure.code}</Code><Message>{failure.message}</Message></Error></ErrorResponse>"
    return web.Answer(failure.status, body.encode(), {"Content-Type": "text/xml", **failure.headers})
