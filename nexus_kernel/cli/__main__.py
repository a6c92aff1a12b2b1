"""`python -m nexus_kernel.cli`: the command line without its console script."""

from nexus_kernel.cli import main

main()
