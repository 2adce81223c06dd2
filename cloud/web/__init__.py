"""What every route stands on: signed requests, problems, limits and certificates."""
