"""Functions from catalogues of others: OpenAI, Anthropic, MCP, OpenAPI 3, Swagger 2."""
