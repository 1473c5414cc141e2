"""Networks: generators, discriminators, parsers; parameter counts are tested."""
