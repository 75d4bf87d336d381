"""Does the register hold, as far as its entries alone can tell?"""
