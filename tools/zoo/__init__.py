"""Networks of many kinds, frozen by many tools, to measure the detector of variables with."""
