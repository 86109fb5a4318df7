"""The asking half: what is said to Discord (plans), what its answer means (outcomes), and the steps
that Waystation takes with a job by itself (own_steps).
"""
