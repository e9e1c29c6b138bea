"""The dashboard of `deploy/grafana/shop.json` as a picture, of a busy hour that is played to a real shop."""
