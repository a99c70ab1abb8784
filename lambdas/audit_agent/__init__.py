"""Reviews whether decisions are recorded, disclosed and explained as they must be."""
