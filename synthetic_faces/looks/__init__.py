"""What surfaces look like: painted skin and features, materials, light, and the photograph."""
