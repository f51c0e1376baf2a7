"""Keys of agencies' machines."""
