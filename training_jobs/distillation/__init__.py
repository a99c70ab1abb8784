"""From the teacher's opinion to one calibrated LightGBM student a task."""
