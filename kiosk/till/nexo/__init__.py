"""The till's door: the kiosk is a POI of the nexo Retailer protocol (Sale to POI, version 3.0), in
the JSON form of the Terminal API (docs/integrations/till.md)."""
