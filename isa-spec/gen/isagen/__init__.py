"""Generator of everything that follows from the tables in isa-spec."""
