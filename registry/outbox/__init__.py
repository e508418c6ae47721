"""Mail and webhooks: written in the transaction of the act, sent afterwards."""
