"""License and policy texts in immutable versions, the terms of a repository, and who accepted them."""
