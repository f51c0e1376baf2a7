"""Left-behind children: who has not been heard of for long. A reminder for the school, never a signal by itself."""
