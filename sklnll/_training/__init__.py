"""How do checked rows become a fitted network?"""
