"""Measurements, run by command and never by the test suite: `./dev bench [NAME ...]`."""
