"""A demonstration: a real model goes through the whole main job, with the real client."""
