"""Reports as text for people: 80 columns are enough. A module a subject; `table` alone loads nothing heavy."""
