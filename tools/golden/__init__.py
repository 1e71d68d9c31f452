"""What the golden files hold and how TensorFlow is made to write them.

Run by interpreters that have TensorFlow, the oldest being Python 3.7.
"""
