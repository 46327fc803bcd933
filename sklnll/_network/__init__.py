"""How does x become parameters of a distribution, and a gradient come back?"""
