"""The rules of the business, pure: no I/O and no clock."""
