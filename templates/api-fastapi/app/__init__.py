"""The functions of __PROJECT__."""
