"""Rules that no model can state, in AWS's words; pure, one module to an idea.  `registration` puts them in order."""
