"""The API explains itself: its document, its pages, and what is nearest to a wrong address."""
