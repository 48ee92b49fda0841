"""The question to S3 while kubectl waits, and answers that say nothing about the object. On the scripted AWS."""

import pytest
from harness import function

pytestmark = pytest.mark.scripted_aws


PAGE = "<html><body>Please log in.</body></html>"
OTHER = "something other than S3 answered"

# What happens to HeadObject, and what the warning says of it.
ANSWERS = {
    "a page for what is missing": ({"status": 404, "html": PAGE}, f"{OTHER} 404"),
    "a page for anything": ({"status": 200, "html": PAGE}, f"{OTHER} 200"),
    "a page for what is forbidden": ({"status": 403, "html": PAGE}, f"{OTHER} 403"),
    "the way to a page": ({"status": 302, "html": PAGE, "headers": {"Location": "https://login.example"}}, f"{OTHER} 302"),
    "nothing at all": ({"cut": 0}, ""),
    "half an answer": ({"cut": 20}, ""),
    "a plea to wait": ({"status": 503, "code": "SlowDown"}, "slow down"),
    "a fault": ({"status": 500, "code": "InternalError"}, "answered 500"),
}


@pytest.mark.parametrize("then, says", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_that_says_nothing_about_the_object_neither_finds_nor_misses_it(
    cluster, aws, serve, namespace, then, says
):
    asked = aws.rule("HeadObject", **then)
    for key in ("app/1.zip", "app/none.zip"):
        said = cluster.apply(
            function("app", namespace, code={"s3Bucket": "artifacts", "s3Key": key}), flags=["--dry-run=server"]
        ).stderr
        assert "Warning: spec.code.s3Key: not checked, S3 could not be asked (" in said and says in said, said
    assert aws.hits(asked) >= 2
    aws.rules_off()
    missing = function("app", namespace, code={"s3Bucket": "artifacts", "s3Key": "app/none.zip"})
    assert "upload it first" in cluster.apply(missing, flags=["--dry-run=server"], check=False).stderr
