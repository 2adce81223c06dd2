"""What measures and teaches palm recognition, and never ships."""
