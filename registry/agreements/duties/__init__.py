"""What a derivative owes to the licenses it comes from: rules of the facts file, applied by name."""
