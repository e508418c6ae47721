from django.apps import AppConfig


class InstanceConfig(AppConfig):
    name = "registry.instance"
