"""The check tool 核对工具."""
