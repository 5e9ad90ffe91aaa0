"""The assistants, and the sentiment of chats: `/api/ai`."""
