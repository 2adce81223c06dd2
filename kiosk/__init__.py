"""The application on the device, without any Qt: visits, capture, service client, till."""

VERSION = "0.1.0"
