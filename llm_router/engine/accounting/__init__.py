"""What requests cost and may cost: booked before an attempt, settled after it, summed for people."""
