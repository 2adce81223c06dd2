"""The application on the device, without any Qt: visits, capture, service client, till."""
