"""A fictional business to look at: doctors, chips, hospitals, shifts and conversations with a history."""
