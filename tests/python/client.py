"""Asks for things as a Python program with python-arq would, and prints the answers as JSON."""

import asyncio
import json
import os
import sys

from arq.connections import RedisSettings, create_pool
from arq.jobs import Job

QUEUE = "arq:interactive"


async def outcome(job):
    try:
        return ["value", await job.result(timeout=10, poll_delay=0.05)]
    except BaseException as error:
        return [type(error).__name__, str(error)]


async def main(what, *args):
    redis = await create_pool(RedisSettings.from_dsn(os.environ["REDIS_URL"]), default_queue_name=QUEUE)
    if what == "enqueue":
        function, job_id = args
        job = await redis.enqueue_job(function, "something", _job_id=job_id)
        return job is not None
    job = Job(args[0], redis, _queue_name=QUEUE)
    if what == "result":
        return await outcome(job)
    if what == "status":
        return (await job.status()).value
    if what == "abort":
        return await job.abort(timeout=10, poll_delay=0.05)
    if what == "info":
        info = await job.info()
        return {"function": info.function, "args": info.args, "kwargs": sorted(info.kwargs), "try": info.job_try}
    raise ValueError(what)


print(json.dumps(asyncio.run(main(*sys.argv[1:]))))
