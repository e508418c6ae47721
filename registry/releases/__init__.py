"""The life of a release: workflow moves it on, the gate decides every download."""
