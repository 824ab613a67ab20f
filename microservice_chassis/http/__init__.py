"""HTTP as Falcon serves it: a collection and its items, and what a request may ask of them."""
