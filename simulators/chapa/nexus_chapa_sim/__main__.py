"""``python -m nexus_chapa_sim``."""

from nexus_chapa_sim.cli import main

if __name__ == "__main__":
    main()
