"""What an operator does to a deployed application, in an account or on the embedded AWS alike."""
