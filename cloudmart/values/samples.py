"""The sample items that the API's examples name: local mode holds them."""

PRODUCT = "1"
ORDER = "k7m2p9q4r6t8v3w5"
TICKET = "n4b7c2d9f6g3h8j5"
THREAD = "thread_2wXcq8ZrTn5vKdLp7HsGm4JbYf9aRe3u"
CONVERSATION = "conv_6hNtq2VbWs8yPxKd4RmZf7LcJg9aTe3u"
CUSTOMER = "user@example.com"
"""The address under which every visitor of the storefront starts."""
