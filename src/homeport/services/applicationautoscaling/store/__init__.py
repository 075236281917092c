"""All SQL of Application Auto Scaling, one module per kind of row."""
