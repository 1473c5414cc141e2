"""The weights that come with the package: `store` reads and writes them, `parsers` uses some."""
