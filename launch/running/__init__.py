"""A run: its data, model, training and geodesics, and how it goes on where it was stopped."""
