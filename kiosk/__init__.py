"""The application on the device, without Qt: visits, capture, service client and till."""
