"""Steps are carried out one index at a time, even if others change the same tables."""

from typing import Any

from botocore.exceptions import ClientError

from cloudmart.dynamodb.refusals import PartState
from cloudmart.dynamodb.schema import TableSchema
from cloudmart.orders.indexes import ORDERS_BY_DAY, ORDERS_BY_EMAIL
from cloudmart.settings import DynamoDBSettings
from cloudmart.tables.apply import apply_steps
from cloudmart.tables.backfill import BackfillTally
from cloudmart.tables.plan import check_tables
from cloudmart.tables.steps import (
    AddIndex,
    CreateTable,
    EnableExpiry,
    EnableRecovery,
    RunBackfill,
    Step,
    TableFinding,
)
from tests.support.dynamodb_wrapper import Call, DynamoDBWrapper


class Recorder:
    """A watcher that keeps what it gets."""

    def __init__(self) -> None:
        self.waited: list[str] = []
        self.ended: list[TableFinding] = []

    def begins(self, _: Step) -> None:
        """Nothing to keep."""

    def waits(self, step: Step, _: float) -> None:
        """Keep the step that is waited for."""
        self.waited.append(step.part)

    def reads(self, _: RunBackfill, __: BackfillTally) -> None:
        """Nothing to keep."""

    def ends(self, finding: TableFinding) -> None:
        """Keep the result."""
        self.ended.append(finding)


class Building:
    """Shows each new index as `CREATING` for the next few calls."""

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds
        self.left = 0
        self.log: list[str] = []

    async def update(self, real: Call, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401
        """Begin to build an index."""
        self.log.append("built while another was" if self.left else "built alone")
        answer = await real(**parameters)
        self.left = self.rounds
        return answer

    async def describe(self, real: Call, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401
        """Show the last added index as not ready."""
        answer = await real(**parameters)
        if self.left and answer["Table"].get("GlobalSecondaryIndexes"):
            self.left -= 1
            answer["Table"]["GlobalSecondaryIndexes"][-1]["IndexStatus"] = "CREATING"
        return answer


async def test_an_index_is_waited_for_before_the_next_is_added(
    operator: Any,  # noqa: ANN401
    production: DynamoDBSettings,
) -> None:
    steps = [AddIndex(production.orders_table, one) for one in (ORDERS_BY_EMAIL, ORDERS_BY_DAY)]
    building, watcher = Building(rounds=2), Recorder()
    client = DynamoDBWrapper(
        operator, update_table=building.update, describe_table=building.describe
    )

    findings = await apply_steps(client, steps, watcher)

    assert [finding.state for finding in findings] == [PartState.OK, PartState.OK]
    assert building.log == ["built alone", "built alone"]
    assert set(watcher.waited) == {step.part for step in steps}
    assert watcher.ended == findings


async def test_patience_ends_and_says_so(
    operator: Any,  # noqa: ANN401
    production: DynamoDBSettings,
) -> None:
    step = AddIndex(production.orders_table, ORDERS_BY_EMAIL)
    building = Building(rounds=1000)
    client = DynamoDBWrapper(
        operator, update_table=building.update, describe_table=building.describe
    )

    findings = await apply_steps(client, [step], Recorder(), patience=0.5)

    remark = "DynamoDB is still working; apply again to continue waiting"
    assert findings == [TableFinding(step.table, step.part, PartState.CHANGING, remark)]


async def test_one_throttled_look_late_in_a_long_build_is_not_the_end_of_it(
    operator: Any,  # noqa: ANN401
    production: DynamoDBSettings,
) -> None:
    step = AddIndex(production.orders_table, ORDERS_BY_EMAIL)
    building = Building(rounds=4)

    async def describe(real: Call, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401
        if building.left == 1:
            building.left = 0
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "DescribeTable")
        return await building.describe(real, **parameters)

    client = DynamoDBWrapper(operator, update_table=building.update, describe_table=describe)

    # The build takes longer than the time-out of one call.
    findings = await apply_steps(client, [step], Recorder(), call_patience=0.3)

    assert findings == [TableFinding(step.table, step.part, PartState.OK)]


async def test_what_somebody_else_does_at_the_same_moment_is_as_good(
    operator: Any,  # noqa: ANN401
    production: DynamoDBSettings,
) -> None:
    calls = []

    async def update(real: Call, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401
        calls.append(parameters)
        await real(**parameters)
        raise ClientError({"Error": {"Code": "ResourceInUseException"}}, "UpdateTable")

    step = AddIndex(production.orders_table, ORDERS_BY_EMAIL)
    client = DynamoDBWrapper(operator, update_table=update)

    findings = await apply_steps(client, [step], Recorder())

    assert findings == [TableFinding(step.table, step.part, PartState.OK)]
    assert len(calls) == 1


async def test_steps_whose_effect_is_there_already_change_nothing(
    operator: Any,  # noqa: ANN401
    names: DynamoDBSettings,
) -> None:
    schema = TableSchema(names.orders_table, indexes=(ORDERS_BY_EMAIL,), expires="expiresAt")
    steps: list[Step] = [
        CreateTable(schema),
        EnableExpiry(schema.name, "expiresAt"),
        AddIndex(schema.name, ORDERS_BY_EMAIL),
    ]
    await apply_steps(operator, steps, Recorder())
    before = await operator.describe_table(TableName=schema.name)

    findings = await apply_steps(operator, steps, Recorder())

    after = await operator.describe_table(TableName=schema.name)
    assert [finding.state for finding in findings] == [PartState.OK, PartState.OK, PartState.OK]
    assert after["Table"] == before["Table"]


async def test_a_throttled_change_is_made_again(
    operator: Any,  # noqa: ANN401
    production: DynamoDBSettings,
) -> None:
    calls = []

    async def update(real: Call, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401
        calls.append(parameters)
        if len(calls) == 1:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "UpdateTimeToLive")
        return await real(**parameters)

    step = EnableExpiry(production.orders_table, "expiresAt")

    findings = await apply_steps(
        DynamoDBWrapper(operator, update_time_to_live=update), [step], Recorder()
    )

    assert findings == [TableFinding(step.table, step.part, PartState.OK)]
    assert len(calls) == 2


async def test_what_an_endpoint_does_not_have_is_reported_and_no_failure(
    operator: Any,  # noqa: ANN401
    names: DynamoDBSettings,
) -> None:
    async def unknown(_: Call, **__: Any) -> dict[str, Any]:  # noqa: ANN401
        raise ClientError({"Error": {"Code": "UnknownOperationException"}}, "ItsName")

    schema = TableSchema(names.products_table)
    client = DynamoDBWrapper(
        operator, describe_continuous_backups=unknown, update_continuous_backups=unknown
    )
    steps: list[Step] = [CreateTable(schema), EnableRecovery(schema.name)]

    findings = await apply_steps(client, steps, Recorder()) + await check_tables(client, [schema])

    unsupported = TableFinding(
        schema.name, "recovery", PartState.UNSUPPORTED, "this endpoint has no ItsName"
    )
    table = TableFinding(schema.name, "table", PartState.OK)
    assert findings == [table, unsupported, table, unsupported]
    assert all(finding.state.is_fine for finding in findings)
