#!/usr/bin/env bash
# Renders every overlay and has others judge it: Kubernetes' own schemas, checkov, shellcheck.
set -euo pipefail
cd "$(dirname "$0")/.."

kubectl=${KUBECTL:-kubectl}
judges=.cache/manifests/bin
rendered=.cache/rendered

rm -rf "$rendered"
mkdir -p "$rendered"
for overlay in k8s/overlays/*/; do
  "$kubectl" kustomize "$overlay" >"$rendered/$(basename "$overlay").yaml"
done

for version in 1.33 1.34 1.35 1.36; do
  "$judges/kubernetes-validate" --strict --quiet --kubernetes-version "$version" \
    "$rendered"/*.yaml k8s/examples/redis.yaml
done
"$judges/checkov" --config-file k8s/.checkov.yaml --directory "$rendered"
"$judges/shellcheck" k8s/*.sh
echo "Schemas of Kubernetes 1.33 to 1.36, checkov and shellcheck: nothing to complain of."
