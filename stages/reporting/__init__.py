"""What was made, for people: the report page and the tables at the shell."""
