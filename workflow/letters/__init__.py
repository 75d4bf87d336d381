"""What do the letters to applicants say?"""
