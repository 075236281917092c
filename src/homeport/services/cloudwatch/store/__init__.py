"""All SQL of CloudWatch, one module per kind of row."""
