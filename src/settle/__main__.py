"""`python -m settle` is `settle`."""

from settle.cli import main

main()
