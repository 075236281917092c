"""The resources of Elastic Load Balancing as plain values, and the rules that hold for them everywhere."""
