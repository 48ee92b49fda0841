"""Asks the webhook itself, as an API server does or as none would."""

import http.client
import json

from harness import function, trusting


class Webhook:
    """A connection to the webhook's own port, verified as the API server verifies it."""

    def __init__(self, cluster, port):
        configuration = cluster.get("validatingwebhookconfiguration", "kubelambda")
        trust = trusting(configuration["webhooks"][0]["clientConfig"]["caBundle"])
        self.connection = http.client.HTTPSConnection("127.0.0.1", port, context=trust, timeout=30)

    def send(self, body, path="/validate", method="POST", **headers):
        """Status and text of the answer."""
        self.connection.request(method, path, body, {"Content-Type": "application/json", **headers})
        answer = self.connection.getresponse()
        return answer.status, answer.read().decode()

    def review(self, request, path="/validate"):
        """The response of an AdmissionReview, whose form is checked."""
        status, text = self.send(json.dumps(review(request)), path)
        assert status == 200, text
        answer = json.loads(text)
        response = answer.pop("response")
        assert answer == {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}
        assert response.pop("uid") == request["uid"]
        assert set(response) <= {"allowed", "status", "patch", "patchType", "warnings"}
        assert isinstance(response["allowed"], bool)
        if response["allowed"]:
            assert "status" not in response and ("patch" in response) == ("patchType" in response)
        else:
            assert response["status"]["code"] == 422 and response["status"]["message"]
            assert response["status"]["details"]["causes"]
        return response


def review(request):
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


def create(manifest, **members):
    """The request by which the API server asks about that manifest."""
    kind = {"group": "kubelambda.io", "version": "v1alpha1", "kind": "LambdaFunction"}
    metadata = manifest["metadata"]
    names = {"name": metadata["name"], "namespace": metadata["namespace"]}
    return {"uid": "u-1", "kind": kind, "operation": "CREATE", **names, "object": manifest, **members}


def good(**spec):
    return function("asked", "default", functionName="asked", region="us-east-1", **spec)
