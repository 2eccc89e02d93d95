"""Sends five tasks of one call each."""

from celery_app import summarize

for who in range(1, 6):
    summarize.delay(1, who)
