"""The plugin's revisions."""
