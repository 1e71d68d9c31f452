"""Archives: the array files of others, .safetensors, .npz and folders of .npy, as streams."""
