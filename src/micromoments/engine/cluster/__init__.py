"""The engine as many processes: ``serve`` collects and decides, ``work`` recognises and delivers, ``learn`` learns."""
