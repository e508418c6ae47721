"""People, service accounts, organisations, roles and access tokens: who asks, and who may do what."""
