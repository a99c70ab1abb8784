"""Code of the Lambda functions: one folder a function, over `decision`, `control` and `stores`."""
