#!/usr/bin/env bash
# Renders every overlay and checks it with Kubernetes' own schemas, checkov and shellcheck.
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
# And one with the storefront, which no overlay uses by default.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -r k8s "$copy/k8s"
chosen=$copy/k8s/overlays/production
sed 's|# - \(../../components/storefront\)|- \1|' k8s/overlays/production/kustomization.yaml >"$chosen/kustomization.yaml"
sed 's|storefront-image: none|storefront-image: registry.example.com/cloudmart-storefront:2.3.1|' \
  k8s/overlays/production/operator.yaml >"$chosen/operator.yaml"
"$kubectl" kustomize "$chosen" >"$rendered/storefront.yaml"
grep -q cloudmart-storefront:2.3.1 "$rendered/storefront.yaml"

for version in 1.33 1.34 1.35 1.36; do
  "$judges/kubernetes-validate" --strict --quiet --kubernetes-version "$version" \
    "$rendered"/*.yaml k8s/examples/redis.yaml k8s/examples/collector.yaml \
    k8s/doctor-job.yaml k8s/doctor-role.yaml
done
"$judges/checkov" --config-file k8s/.checkov.yaml --directory "$rendered"
"$judges/shellcheck" k8s/*.sh
echo "Schemas of Kubernetes 1.33 to 1.36, checkov and shellcheck: nothing to complain of."
