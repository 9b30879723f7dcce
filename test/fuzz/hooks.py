"""Leads random requests past the checks that random text never passes, half of the time, to what lies behind them."""

import schemathesis

PLAUSIBLE = {
    "template_id": "python-basic",
    "image_url": "python:latest",
    "language": "shell",
    "memory": "64Mi",
    "disk": "1Gi",
    "cpu": "0.5",
}


@schemathesis.hook
def map_body(context, body):
    if not isinstance(body, dict):
        return body
    return {name: plausible(name, value) for name, value in body.items()}


def plausible(name, value):
    fits = isinstance(value, str) and name in PLAUSIBLE and len(value) % 2 == 0
    return PLAUSIBLE[name] if fits else value
