"""What is installed: source distribution and wheel are built, looked into and tried in clean environments."""
