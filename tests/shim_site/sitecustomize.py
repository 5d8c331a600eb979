"""Read by Python at its start, where a test has put this folder first: the shim of a network file system."""

from tests.shim import put_in_from_environment

put_in_from_environment()
