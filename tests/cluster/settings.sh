# What tests/cluster/up starts and writes, so that down knows it too.
# shellcheck shell=bash disable=SC2034
SERVERS=(kube-apiserver etcd)
CONTENT=(data certs webhooks tokens.csv service-account.key etcd:0 etcd:1 kubeconfig kubelambda.kubeconfig developer.kubeconfig)
