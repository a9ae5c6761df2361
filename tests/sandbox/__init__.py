"""Tests of the simulator: each is named for the law it holds the sandbox to."""
