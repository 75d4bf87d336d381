"""What do the entries of the register add up to, for whoever watches over calls?"""
