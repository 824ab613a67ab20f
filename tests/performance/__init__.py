"""Figures: what the services reach, beside what the machine and the framework allow."""
