"""The measurement of the Lambda's imports."""

from bench.imports import FIRST_BATCH, GOOGLE, HANDLER, measure, ratio


def test_each_program_is_loaded_in_each_round() -> None:
    measured = measure(1)

    assert {name: len(seconds) for name, seconds in measured.items()} == dict.fromkeys(
        (GOOGLE, HANDLER, FIRST_BATCH), 1
    )
    assert all(second > 0 for seconds in measured.values() for second in seconds)


def test_programs_are_compared_by_their_fastest_rounds() -> None:
    measured = {GOOGLE: [0.4, 9.0], HANDLER: [9.0, 0.5]}

    assert ratio(measured, HANDLER) == 0.5 / 0.4
