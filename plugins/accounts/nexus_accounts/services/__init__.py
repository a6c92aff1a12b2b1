"""What the plugin does with people."""
