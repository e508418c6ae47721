"""Taking in files as Xet clients send them: in chunks, packed into xorbs, described by shards."""
