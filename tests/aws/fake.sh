# What tests/aws/fake-up starts and writes, so that fake-down knows it too.
# shellcheck shell=bash disable=SC2034
SERVERS=(fake)
CONTENT=(admin.env kubelambda.env)
