"""Whether a photo made of a doodle shows what the doodle shows: hair, glasses, an open mouth."""
