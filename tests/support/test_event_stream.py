"""The encoder of AWS's event streams, compared with a frame of AWS's own codec."""

from tests.support.event_stream import chunk

# From `@smithy/eventstream-codec` 4.5.2: a chunk "Hello" of InvokeAgent.
GOLDEN = (
    "0000006f0000004b9f4ea7ed0b3a6576656e742d747970650700056368756e6b0d3a636f6e74656e742d7479706507"
    "00106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b226279746573"
    "223a22534756736247383d227d0b6e5dde"
)


def test_a_frame_is_the_one_aws_writes() -> None:
    assert chunk("Hello").hex() == GOLDEN
