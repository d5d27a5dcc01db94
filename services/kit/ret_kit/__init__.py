"""The runtime every service shares; it knows no business word."""
