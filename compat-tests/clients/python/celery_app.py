"""The Celery application of play_celery.py: loaded by the worker and by the program that calls the tasks."""
from celery import Celery

app = Celery('celery_app', backend='rpc://')
app.conf.update(
    task_default_queue='celery.tasks', task_acks_late=True, worker_prefetch_multiplier=10,
    broker_connection_retry_on_startup=True, broker_connection_max_retries=None,
    worker_cancel_long_running_tasks_on_connection_loss=True,
)


@app.task
def upper(word):
    return word.upper()


@app.task
def echo(value):
    return value


remembered = []


@app.task(ignore_result=True)
def remember(value):
    remembered.append(value)


@app.task
def recall():
    return remembered


@app.task(bind=True, max_retries=2, default_retry_delay=0.1)
def fails_twice(self, attempts=()):
    attempts = [*attempts, self.request.retries + 1]
    if self.request.retries < 2:
        raise self.retry(kwargs={'attempts': attempts})
    return {'attempts': attempts, 'result': 'done at last'}
