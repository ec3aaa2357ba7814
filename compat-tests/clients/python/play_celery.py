"""Celery: a worker as a process of its own, tasks from here, results through the rpc:// backend."""
import subprocess
import sys
from pathlib import Path

from celery import Celery

import celery_app
from transcript import broker_restart, large_body, play, sha256, url


class Worker:
    """The worker of `celery -A celery_app worker`, with the broker of this run."""

    def __enter__(self):
        self.process = subprocess.Popen(
            [sys.executable, '-m', 'celery', '-b', url, '-A', 'celery_app', 'worker', '--pool', 'solo',
             '--loglevel', 'ERROR', '--queues', 'celery.tasks'],
            cwd=Path(__file__).parent, stdin=subprocess.DEVNULL, stdout=sys.stderr)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=30)


def request_reply(say):
    asked = {word: celery_app.upper.delay(word) for word in ('a', 'b', 'c')}
    for word, result in asked.items():
        say(asked=word, reply=result.get(timeout=30))


def retries(say):
    result = celery_app.fails_twice.delay().get(timeout=30)
    for attempt in result['attempts']:
        say(attempt=attempt)
    say(result=result['result'])


def large(say):
    body = celery_app.echo.delay(large_body.decode()).get(timeout=30)
    say(bytes=len(body), sha256=sha256(body.encode()))


def tasks(say):
    results = [celery_app.echo.delay(n) for n in range(500)]
    say(sent=len(results))
    bodies = [result.get(timeout=30) for result in results]
    say(received=len(bodies), inOrder=bodies == list(range(500)))


def reconnect(say):
    celery_app.remember.apply_async(('kept',), queue='celery.kept')
    say(body=celery_app.echo.delay('before').get(timeout=30))
    broker_restart(say)

    # The worker comes back by itself. The rpc:// backend of a caller does not, so the caller is a new one.
    caller = Celery('caller', broker=url, backend='rpc://')

    def call(task, *args):
        return caller.send_task(f'celery_app.{task}', args, queue='celery.tasks').get(timeout=30)

    say(body=call('echo', 'after'))
    # Nobody reads that queue until the worker is told to, by a broadcast.
    caller.control.add_consumer('celery.kept', reply=True)
    remembered = call('recall')
    while not remembered:
        remembered = call('recall')
    say(body=remembered[0])


celery_app.app.conf.broker_url = url
with Worker():
    play({
        'request-reply': request_reply, 'retries': retries, 'large': large, 'tasks': tasks, 'reconnect': reconnect,
    })
