"""A synthetic county, the same for the same seed: register, schools, agency lists, attendance and the truth.

Every person, school and place is invented; division codes are ones that GB/T 2260 never issued.
"""
