"""What the deployment's checks find: one form, one set of exit codes, the same outputs for all."""
