"""AdmissionReviews as the API server sends them: about 2 KB and 20 KB, creates and updates, right and wrong."""

import copy
import json

UID = "705ab4f5-6393-11e8-b7cc-42010a800002"
LABEL = "kubelambda.io/environment"


def small():
    return {
        "apiVersion": "kubelambda.io/v1alpha1",
        "kind": "LambdaFunction",
        "metadata": {
            "name": "fake-function",
            "namespace": "default",
            "uid": UID,
            "creationTimestamp": "2026-05-12T09:00:00Z",
            "generation": 1,
            "labels": {"app.kubernetes.io/name": "fake-function", "app.kubernetes.io/part-of": "shop", "team": "blue"},
            "managedFields": [
                {
                    "manager": "kubectl", "operation": "Apply", "apiVersion": "kubelambda.io/v1alpha1",
                    "time": "2026-05-12T09:00:00Z", "fieldsType": "FieldsV1",
                    "fieldsV1": {"f:spec": {"f:code": {"f:s3Bucket": {}, "f:s3Key": {}}, "f:runtime": {}, "f:handler": {}, "f:role": {}}},
                }
            ],
        },
        "spec": {
            "code": {"s3Bucket": "artifacts", "s3Key": "app/1.zip"},
            "runtime": "python3.13",
            "handler": "app.handler",
            "role": "arn:aws:iam::123456789012:role/fake",
            "memorySize": 512,
            "timeout": 30,
            "architectures": ["arm64"],
            "environment": {"variables": {"LOG_LEVEL": "info", "TABLE_NAME": "orders", "STAGE": "preview"}},
            "layers": ["arn:aws:lambda:us-east-1:123456789012:layer:common:17"],
            "tags": {"team": "blue", "cost-center": "4711"},
            "deletionPolicy": "Delete",
            "suspend": False,
        },
    }  # fmt: skip


def large():
    """With what makes real ones large: variables up to AWS's limit, tags, last-applied, managedFields."""
    resource = small()
    spec = resource["spec"]
    spec["environment"]["variables"] |= {f"SETTING_{i:02}": f"https://service-{i:02}.example.internal:8443/v1" for i in range(56)}
    spec["tags"] |= {f"tag-{i:02}": f"a value of some length - number {i:02}" for i in range(40)}
    spec["layers"] = [f"arn:aws:lambda:us-east-1:123456789012:layer:layer-{i}:17" for i in range(5)]
    spec["vpcConfig"] = {
        "subnetIds": [f"subnet-0123456789abcde{i:02}" for i in range(6)],
        "securityGroupIds": [f"sg-0123456789abcde{i:02}" for i in range(3)],
    }
    spec["loggingConfig"] = {"logFormat": "JSON", "applicationLogLevel": "INFO", "systemLogLevel": "WARN"}
    resource["metadata"]["annotations"] = {
        "kubectl.kubernetes.io/last-applied-configuration": json.dumps({"spec": spec}),
    }
    resource["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"] |= {
        "f:environment": {"f:variables": {f"f:{name}": {} for name in spec["environment"]["variables"]}},
        "f:tags": {f"f:{name}": {} for name in spec["tags"]},
    }
    return resource


def settled(resource):
    """As it is after the mutating phase."""
    resource = copy.deepcopy(resource)
    resource["spec"] |= {"functionName": "preview-fake-function", "region": "us-east-1"}
    return resource


def changed(resource):
    resource = copy.deepcopy(resource)
    resource["spec"] |= {"memorySize": 1024, "timeout": 60}
    return resource


def wrong(resource):
    resource = copy.deepcopy(resource)
    resource["spec"] |= {"runtime": "python3.31", "memorySize": 64, "role": "arn:aws:iam::123456789012:user/fake"}
    return resource


def review(operation, resource, old=None):
    kind = {"group": "kubelambda.io", "version": "v1alpha1", "kind": "LambdaFunction"}
    plural = {"group": "kubelambda.io", "version": "v1alpha1", "resource": "lambdafunctions"}
    return {
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": UID, "kind": kind, "resource": plural, "requestKind": kind, "requestResource": plural,
            "name": resource["metadata"]["name"], "namespace": "default", "operation": operation,
            "userInfo": {"username": "developer", "uid": "developer", "groups": ["developers", "system:authenticated"]},
            "object": resource, "oldObject": old, "dryRun": False,
            "options": {"kind": f"{operation.title()}Options", "apiVersion": "meta.k8s.io/v1", "fieldManager": "kubectl",
                        "fieldValidation": "Strict"},
        },
    }  # fmt: skip


def cases():
    """(name, path, review, is it accepted?)"""
    for size, resource in (("2 KB", small()), ("20 KB", large())):
        whole = settled(resource)
        yield f"{size} create, mutate", "/mutate", review("CREATE", resource), True
        yield f"{size} create, validate", "/validate", review("CREATE", whole), True
        yield f"{size} create, refused", "/validate", review("CREATE", wrong(whole)), False
        yield f"{size} update, validate", "/validate", review("UPDATE", changed(whole), whole), True
