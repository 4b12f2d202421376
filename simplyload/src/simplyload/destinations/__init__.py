"""Where changes are merged: one module per warehouse."""
