"""What holds the user's code: one file for each thing that the system can enforce, and `holding` that puts them on."""
