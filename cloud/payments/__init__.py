"""Cards on file and purchases; the payment providers are in `cloud.providers`."""
