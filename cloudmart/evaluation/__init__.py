"""The evaluation of the assistants: cases, the shop they are played in, and their judge."""
