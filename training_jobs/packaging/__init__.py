"""From students to the package that serving loads, and the records that it answers from."""
