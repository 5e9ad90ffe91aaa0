"""Which faults keep a pod from running."""

from typing import Any

import pytest

from cloudmart.rollout.pod_faults import pod_faults


def pod(*, ready: bool, code: int) -> dict[str, Any]:
    ended = {"terminated": {"exitCode": code, "message": "AUTH is not set."}}
    container = {"name": "cloudmart", "ready": ready, "state": {}, "lastState": ended}
    return {"metadata": {"name": "pod"}, "status": {"containerStatuses": [container]}}


@pytest.mark.parametrize(("code", "patience"), [(78, 0.0), (1, None), (137, None)])
def test_only_wrong_settings_end_the_wait_at_once(code: int, patience: float | None) -> None:
    (found,) = pod_faults(pod(ready=False, code=code))

    assert found.patience == patience
    assert found.sentence == f"pod: it ended with exit code {code}. AUTH is not set."


def test_a_pod_that_is_well_by_now_is_not_held_by_how_it_ended_before() -> None:
    assert list(pod_faults(pod(ready=True, code=78))) == []
