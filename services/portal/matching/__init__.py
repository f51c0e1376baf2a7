"""Pages of matching: reviews, models, categories, and what was decided on."""
