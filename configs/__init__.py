"""Every name, threshold and schema that more than one room must agree on."""
