"""What does a whole call look like from publication to plans in progress?"""
