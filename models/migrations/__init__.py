"""How does a database reach the form that this version of the system needs?"""
