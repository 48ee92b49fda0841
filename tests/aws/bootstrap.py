"""Sets up the account of a fresh moto server, then turns its checks on.

    python bootstrap.py ENDPOINT DIR

Makes bucket `artifacts` (us-east-1, versioned), role `fake` for Lambda, user
`kubelambda` with what the controller needs and user `admin` who may do anything,
and writes DIR/kubelambda.env and DIR/admin.env.
"""

import json
import os
import sys
import urllib.request

from client import client, connect

REGION = "us-east-1"
BUCKET = "artifacts"
ROLE = "fake"
POLICIES = {
    "admin": ["*"],
    "kubelambda": ["lambda:*", "s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "iam:PassRole", "sts:GetCallerIdentity"],
}


def main(endpoint, folder):
    # Until the checks are on any key is good.
    env = {
        "AWS_ACCESS_KEY_ID": "bootstrap",
        "AWS_SECRET_ACCESS_KEY": "bootstrap",
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint,
    }
    s3 = connect("s3", env)
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})

    iam = connect("iam", env)
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=policy("sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"}))
    for user, actions in POLICIES.items():
        iam.create_user(UserName=user)
        iam.put_user_policy(UserName=user, PolicyName=user, PolicyDocument=policy(actions, Resource="*"))
        key = iam.create_access_key(UserName=user)["AccessKey"]
        write_env(
            os.path.join(folder, f"{user}.env"),
            {**env, "AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]},
        )

    # Invocations get a canned answer; running the code would take docker.
    post(endpoint + "/moto-api/config", json.dumps({"lambda": {"use_docker": False}}), "application/json")
    # From the next request on, keys, signatures and policies are checked.
    post(endpoint + "/moto-api/reset-auth", "0", "text/plain")
    client("lambda", os.path.join(folder, "kubelambda.env")).list_functions()


def policy(actions, **rest):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, **rest}]})


def write_env(path, env):
    with open(path, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.writelines(f"{name}={value}\n" for name, value in env.items())


def post(url, body, content_type):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, body.encode(), {"Content-Type": content_type})
    with opener.open(request, timeout=30) as answer:
        answer.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
