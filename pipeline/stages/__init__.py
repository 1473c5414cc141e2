"""One module per DVC stage: read parameters, call one library function, write atomically."""
