"""Which frozen laws does scipy lack, or lose digits in?"""
