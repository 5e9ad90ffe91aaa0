"""The shop's small words: money, times, ids, e-mails and text."""
