"""The tamper-evident log: what happened, by whom, chained by hash; and who fetched what."""
