"""Which tests of the wire run on each place for bytes."""

import pytest

# `registry_url` is then that of a registry with a folder, and that of one with a bucket
in_each_storage = pytest.mark.parametrize("registry_url", ["local", "s3"], indirect=True)
