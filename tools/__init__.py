"""Programs that build, check and measure pbckpt; no part of the package."""
