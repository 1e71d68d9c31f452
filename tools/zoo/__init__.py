"""Small networks with random weights, frozen and rewritten in many ways, and their truth."""
