"""
Elastic Container Service: clusters, task definitions and tasks.

Handlers only record what shall be.  `reconcilers.placement` gives waiting tasks a node and an
interface; `observe` records what nodes report; the containers themselves live in `homeport.node`.
Task definitions and tasks are kept as the JSON documents that the API shows.
"""
