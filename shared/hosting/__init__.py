"""Running a service: what one consists of, its roles in a process, its days and its first configuration."""
