"""A scripted AWS for the tests: Lambda and S3 in memory, with AWS's own messages, states and limits, and
faults on request. Standard library only. tests/aws/fake/README.md says how it is driven."""
