"""Whether a photo made of a doodle shows what the doodle shows: hair and glasses."""
