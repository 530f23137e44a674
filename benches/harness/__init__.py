"""What all contests share: finding programs, measuring child processes, interleaving runs, judging and reporting."""
