"""Object graphs: what TensorFlow 2 writes beside the tensors of a checkpoint."""
