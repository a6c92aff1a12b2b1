"""What plugins promise one another: Protocols, frozen dataclasses and events.

Nothing here imports a framework, so a contract can be read, implemented and tested by itself. A plugin
depends on these types and never on the plugin that happens to provide them.
"""
