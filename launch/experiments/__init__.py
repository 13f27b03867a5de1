"""What a door does: each experiment from a trained model to scores, figures and a report."""
