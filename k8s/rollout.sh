#!/usr/bin/env bash
# Rolls an environment out: the tables, then the pods, then the way to them. Where the new pods do
# not get ready, or do not answer from outside, those of before come back.
set -euo pipefail

usage() {
  cat <<'END'
k8s/rollout.sh [options] staging|production

  --dry-run            say what would be done; no cluster is asked
  --skip-tables        leave the tables alone
  --context NAME       the cluster, by its name in kubectl's configuration
  --url URL            where the shop is reached from outside, if not at its public address
  --timeout S          how long the new pods may take (900)
  --tables-timeout S   how long the tables may take (3600); DynamoDB goes on after it
  --answers-within S   how long the shop may take to answer from outside (120)

Exit codes: 0 rolled out · 1 not, and what ran before runs · 2 called wrongly
            3 not, and it needs a person: nothing to go back to, or the way back failed
END
}

dry_run='' tables=yes context=() url='' timeout=900 tables_timeout=3600 answers_within=120 environment=''
while (($#)); do
  case $1 in
    --dry-run) dry_run=yes ;;
    --skip-tables) tables='' ;;
    --context | --url | --timeout | --tables-timeout | --answers-within)
      (($# > 1)) || { usage >&2; exit 2; }
      case $1 in
        --context) context=(--context "$2") ;;
        --url) url=${2%/} ;;
        --timeout) timeout=$2 ;;
        --tables-timeout) tables_timeout=$2 ;;
        --answers-within) answers_within=$2 ;;
      esac
      shift
      ;;
    --help) usage; exit ;;
    -* | '') usage >&2; exit 2 ;;
    *) [[ -z $environment ]] || { usage >&2; exit 2; }; environment=$1 ;;
  esac
  shift
done
[[ $environment == staging || $environment == production ]] || { usage >&2; exit 2; }
[[ $timeout$tables_timeout$answers_within =~ ^[0-9]+$ ]] || { usage >&2; exit 2; }

cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
kubectl=${KUBECTL:-kubectl}
pause=${ROLLOUT_PAUSE:-5}
deployment=deployment/cloudmart-backend
last_applied='{.metadata.annotations.kubectl\.kubernetes\.io/last-applied-configuration}'
revision_of='{.metadata.annotations.deployment\.kubernetes\.io/revision}'
gate_of='{.metadata.labels.elbv2\.k8s\.aws/pod-readiness-gate-inject}'
words='{range .items[*]}{.metadata.name}: {.status.phase} {.status.containerStatuses[0].lastState.terminated.message}{.status.containerStatuses[0].state.waiting.reason}{"\n"}{end}'

say() { printf '== %s\n' "$*" >&2; }
give_up() { say "$2"; exit "$1"; }
# Asks the cluster.
ask() { "$kubectl" ${context[@]+"${context[@]}"} --namespace "$namespace" "$@"; }
# Changes the cluster, or says how.
run() {
  printf '+ kubectl %s\n' "${context[*]:+${context[*]} }--namespace $namespace $*" >&2
  [[ -n $dry_run ]] || ask "$@"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'give_up 3 "Broken off. What was applied goes on in the cluster; back: kubectl rollout undo $deployment"' INT TERM

# --- Before anything is changed ----------------------------------------------------------------

"$python" -m k8s.stages "$environment" "$work" || give_up 1 "Nothing was changed."
namespace='' job='' public=''
while IFS='=' read -r name value; do
  case $name in
    namespace) namespace=$value ;;
    job) job=$value ;;
    url) public=$value ;;
  esac
done <"$work/facts"
url=${url:-$public}

before=''
if [[ -z $dry_run ]]; then
  ask get secret cloudmart-api-keys --output name >/dev/null \
    || give_up 1 "No Secret, or no cluster. The Secret: make k8s-secret ENV=$environment. Nothing was changed."
  ask apply --dry-run=server --filename "$work/service.yaml" --filename "$work/edge.yaml" >/dev/null \
    || give_up 1 "The cluster refuses the manifests. Nothing was changed."
  before=$(ask get "$deployment" --ignore-not-found --output "jsonpath=$revision_of")
  [[ $("$kubectl" ${context[@]+"${context[@]}"} get namespace "$namespace" --output "jsonpath=$gate_of") == enabled ]] \
    || say "Warning: pods are called ready before the load balancer knows them: kubectl label namespace $namespace elbv2.k8s.aws/pod-readiness-gate-inject=enabled"
  # Manifests without `replicas` would take away what manifests before them had set, and leave one
  # pod until the autoscaler notices.
  if [[ $(ask get "$deployment" --ignore-not-found --output "jsonpath=$last_applied") == *'"replicas":'* ]]; then
    say "The number of pods is the autoscaler's from here on."
    ask apply view-last-applied "$deployment" --output json >"$work/former.json"
    "$python" -c 'import json, sys; it = json.load(sys.stdin); del it["spec"]["replicas"]; json.dump(it, sys.stdout)' \
      <"$work/former.json" >"$work/last-applied.json"
    run apply set-last-applied --filename "$work/last-applied.json"
  fi
fi

# --- The tables --------------------------------------------------------------------------------

# The state of the Job, once it has one: Complete or Failed.
outcome() {
  local deadline=$((SECONDS + tables_timeout)) conditions
  while ((SECONDS < deadline)); do
    conditions=$(ask get job "$job" --output 'jsonpath={.status.conditions[?(@.status=="True")].type}') || true
    case $conditions in
      *Complete*) echo Complete; return ;;
      *Failed*) echo Failed; return ;;
    esac
    sleep "$pause"
  done
  echo "not done after $tables_timeout s"
}

if [[ -n $tables ]]; then
  say "The tables: $job"
  # What a Job does cannot be changed, so one of the same name has to go first.
  run delete job "$job" --ignore-not-found --wait
  run apply --filename "$work/tables.yaml"
  say "Waiting for $job"
  if [[ -z $dry_run ]]; then
    state=$(outcome)
    ask logs "job/$job" --tail 50 >&2 || true
    [[ $state == Complete ]] || give_up 1 "The tables are $state. The service was not touched."
  fi
fi

# --- The service -------------------------------------------------------------------------------

go_back() {
  say "$1"
  ask get pods --selector app=cloudmart-backend --output "jsonpath=$words" >&2 || true
  local now
  now=$(ask get "$deployment" --ignore-not-found --output "jsonpath=$revision_of")
  [[ -n $before ]] || give_up 3 "There was nothing before it to go back to."
  [[ $now != "$before" ]] || give_up 1 "The pods were not replaced: what is wrong is older, or not about them."
  if run rollout undo "$deployment" --to-revision "$before" \
    && run rollout status "$deployment" --timeout "${timeout}s"; then
    give_up 1 "The pods are those of before again (revision $before). What else was applied stays."
  fi
  give_up 3 "The way back failed: see kubectl describe $deployment."
}

# Whether the shop answers from outside, and its metrics do not.
answers() {
  local health products metrics
  health=$(curl --silent --fail --max-time 10 "$url/api/health") || return 1
  products=$(curl --silent --fail --max-time 10 "$url/api/products?limit=1") || return 1
  metrics=$(curl --silent --max-time 10 "$url/metrics") || return 1
  [[ $health == *cloudmart-backend* && $products == '['* && $metrics != *cloudmart_* ]]
}

answers_steadily() {
  local deadline=$((SECONDS + answers_within)) row=0
  while ((SECONDS <= deadline)); do
    # One pod's answer is not yet the shop's.
    if answers; then row=$((row + 1)); else row=0; fi
    ((row < 3)) || return 0
    sleep "$pause"
  done
  return 1
}

say "The service: $deployment"
run apply --filename "$work/service.yaml" || go_back "The manifests were not taken."
run rollout status "$deployment" --timeout "${timeout}s" || go_back "The new pods do not get ready."

say "The way to it: Service, Ingress, network policies"
run apply --filename "$work/edge.yaml" || go_back "The manifests were not taken."

say "From outside: $url/api/health, /api/products, and no metrics"
if [[ -z $dry_run ]]; then
  answers_steadily || go_back "The shop does not answer at $url as it should."
fi
say "${dry_run:+Dry run: nothing was changed. }${dry_run:-Rolled out: $environment.}"
