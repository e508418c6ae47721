"""Which tests of the wire run on each place for bytes."""

import pytest

LOCAL, S3, S3_AT_OUR_HOST = "local", "s3", "s3-at-our-host"

# `registry_url` is then that of a registry with a folder, and that of one with a bucket. Without
# this a test runs on a folder, and on both where every version of the client is driven.
in_each_storage = pytest.mark.parametrize("registry_url", [LOCAL, S3], indirect=True)
# The store has the host name of the registry, at another port
at_our_host = pytest.mark.parametrize("registry_url", [S3_AT_OUR_HOST], indirect=True)
