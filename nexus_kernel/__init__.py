"""Nexus: a commerce framework whose every domain is an installable plugin.

This module is the public API. What is not listed in `__all__` is private and may change at any time; the
contracts between plugins are public too, in `nexus_kernel.contracts`.

The names are declared in `__init__.pyi` and imported when they are first used, so that a command which needs
none of them does not wait for Flask, SQLAlchemy and marshmallow.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
