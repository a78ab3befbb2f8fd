"""Scoring: golden queries, answers, metrics, significance."""
