"""What every contest shares: finding programs, measuring children, taking turns, judging and reporting."""
