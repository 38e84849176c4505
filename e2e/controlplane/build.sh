#!/bin/sh
# Builds the static binary into $1, naming each package on standard error as it is compiled.
# The version is not in the module, so the linker sets it. Other flags would compile everything anew.
set -eu
cd "$(dirname "$0")"
v=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
minor=${v#v1.}; minor=${minor%%.*}
for p in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  x="${x:-} -X $p.gitVersion=$v -X $p.gitMajor=1 -X $p.gitMinor=$minor -X $p.gitTreeState=clean -X $p.gitCommit=unknown"
done
CGO_ENABLED=0 exec go build -v -trimpath -gcflags=all=-dwarf=false -tags grpcnotrace -ldflags="-s -w$x" -o "$1" .
