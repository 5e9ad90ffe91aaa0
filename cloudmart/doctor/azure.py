"""Azure AI Language: it answers, and scores one tiny text."""

from collections.abc import AsyncIterator

from cloudmart.doctor.check import CheckResult, DoctorCheck, passed, skipped, trouble
from cloudmart.doctor.inputs import Inputs, NotAskedError, NotKnownError
from cloudmart.errors import ProviderMisconfiguredError, ProviderUnavailableError, UpstreamError
from cloudmart.settings import Provider, why_disabled

_KEYS = ("azure-reachable", "azure-key", "azure-endpoint", "azure-language", "azure-analysis")
_OF_SETTING = {
    "AZURE_API_KEY": "azure-key",
    "AZURE_ENDPOINT": "azure-endpoint",
    "AZURE_LANGUAGE": "azure-language",
}
_COST = "one unit, about 0.001 USD"


async def analysis(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Have one word scored, which is paid for, and report what fails."""
    # Not above: the SDK takes most of a second to import.
    from cloudmart.ai.providers.azure import open_azure_sentiment  # noqa: PLC0415

    inputs.outside("azure")
    if reason := why_disabled(inputs.settings)[Provider.AZURE]:
        raise NotAskedError(reason)
    try:
        async with open_azure_sentiment(inputs.settings.azure, budget=6) as sentiment:
            (scores,) = await sentiment.score(["Good."])
    except ProviderMisconfiguredError as error:
        setting = next((each for each in _OF_SETTING if each in str(error)), "AZURE_API_KEY")
        yield trouble(_OF_SETTING[setting], str(error))
        yield skipped("azure-analysis", f"{_OF_SETTING[setting]} failed")
        return
    except ProviderUnavailableError as error:
        if "cannot be reached" not in str(error):
            raise NotKnownError(str(error)) from error
        yield trouble("azure-reachable", str(error))
        for key in _KEYS[1:]:
            yield skipped(key, "azure-reachable failed")
        return
    except UpstreamError as error:
        yield trouble("azure-analysis", str(error))
        return
    if scores is None:
        yield trouble("azure-analysis", f"it gave no score ({_COST})")
    else:
        yield passed("azure-analysis", f"scored one word ({_COST})")


CHECKS = (DoctorCheck(_KEYS, analysis, frozenset({"settings", "azure"}), ("settings-readable",)),)
