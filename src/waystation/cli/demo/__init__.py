"""waystation demo: the whole path once, on a simulator, with nothing to set up."""
