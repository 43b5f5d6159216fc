"""How metrics and foreign text are named and written wherever a reader meets them: tables, pages, the terminal."""
