"""A module for each kind of keeper, with a function `opened` (`cloud.keys.keeper`)."""
