"""What things cost, as ratios against something that ran beside them: `make bench`. Never a pass or a fail."""
