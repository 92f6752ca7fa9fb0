"""What several meters of a maker share, for shipped and other profiles to extend: not meters by themselves."""
