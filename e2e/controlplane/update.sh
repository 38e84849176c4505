#!/bin/sh
# Writes go.mod for Kubernetes $1 (such as 1.36.3), with the etcd server that it pins: every staging module that
# k8s.io/kubernetes replaces in its own go.mod is pinned to the published v0.<minor>.<patch>. `go mod tidy` then adds the
# rest; keep go.sum, because tidying also downloads what only tests of those modules need.
set -eu
cd "$(dirname "$0")"
v=$1; stage=v0.${v#1.}
kmod=$(go mod download -json "k8s.io/kubernetes@v$v" | sed -n 's/.*"GoMod": "\(.*\)",/\1/p')
{
  printf 'module controlplane\n\ngo 1.26.0\n\ngodebug default=go1.26\n\n'
  printf 'require (\n\tk8s.io/kubernetes v%s\n\tgo.etcd.io/etcd/server/v3 %s\n)\n\n' "$v" \
    "$(awk '$1=="go.etcd.io/etcd/server/v3"{print $2}' "$kmod")"
  printf 'replace (\n'
  awk -v s="$stage" '$3 ~ /^\.\/staging/ && $2=="=>" {print "\t" $1 " => " $1 " " s}' "$kmod"
  printf ')\n'
} > go.mod
