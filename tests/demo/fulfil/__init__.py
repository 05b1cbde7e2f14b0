"""Fulfilment: orders, money, points, stock, live tracking."""
