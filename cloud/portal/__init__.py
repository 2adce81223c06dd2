"""The customers' portal: pages on which people see what is kept of them, and leave."""
