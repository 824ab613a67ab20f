"""The notifications service: schedule e-mail reminders."""
