"""A model specification becomes an lm-eval ``LM``: folders, hub ids, GGUF files, vLLM, servers, published outputs."""
