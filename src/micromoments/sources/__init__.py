"""Wire shapes to arrivals: every source reads bytes, and gives arrivals and rejections; nothing here does I/O."""
