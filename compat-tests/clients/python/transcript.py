"""What the Python programs share: they play scenarios and print what they saw, one JSON object a line.

Called as `python3 PROGRAM URL [SCENARIO...]`; without names all scenarios are played, in their order.
Each scenario's lines end with `ended` or with `error`, whatever the library does.
"""
import hashlib
import json
import sys
import traceback

url = sys.argv[1]
wanted = sys.argv[2:]

# 1 MiB, the same in every language.
large_body = b'0123456789abcdef' * 65_536


def sha256(body):
    return hashlib.sha256(body).hexdigest()


def speaker(scenario):
    return lambda **seen: print(json.dumps({'scenario': scenario, **seen}), flush=True)


def play(scenarios):
    for scenario, run in scenarios.items():
        if wanted and scenario not in wanted:
            continue
        say = speaker(scenario)
        try:
            run(say)
            say(ended=True)
        except Exception:
            say(error=traceback.format_exc())


def broker_restart(say):
    """Asks for a restart of the broker, and returns when it is up again."""
    say(waiting=True)
    sys.stdin.readline()
