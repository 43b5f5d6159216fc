"""The room where BayLing will be trained and run; nothing is built here yet."""
