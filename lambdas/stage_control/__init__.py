"""Plans and commits stages."""
