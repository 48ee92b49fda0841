# What tests/aws/up starts and writes, so that down knows it too.
# shellcheck shell=bash disable=SC2034
SERVERS=(moto)
CONTENT=(admin.env kubelambda.env)
