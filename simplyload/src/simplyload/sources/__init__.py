"""Where changes come from: one module or package per kind of source."""
