"""A stock ARQ worker that does what a task's title says."""

import asyncio
import json
import os
import urllib.error
import urllib.request
from datetime import datetime, timezone
from decimal import Decimal

from arq.connections import RedisSettings

QUEUE = "arq:interactive"


class Unlucky(Exception):
    pass


def call(url, token, step, body):
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    request = urllib.request.Request(f"{url}/{step}", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        # It holds a socket, so it could not be the job's result.
        raise RuntimeError(f"{error.code}: {error.read().decode()}") from None


async def run_task(ctx, task_id, *, title, url, token, **more):
    say = ctx["redis"]
    await say.rpush("test:runs", f"{task_id}:{ctx['job_try']}:{os.getpid()}")
    if "object" in title:
        return {"when": datetime(2026, 1, 2, tzinfo=timezone.utc), "price": Decimal("1.50"), "n": (1, 2)}
    if "fail" in title:
        raise Unlucky("no luck", 7)
    if "hang" in title:
        await asyncio.sleep(3600)
    if "pause" in title:
        await asyncio.sleep(0.3)
    if "claim" in title:
        loop = asyncio.get_event_loop()
        body = {"try": ctx["job_try"], "worker": "python"}
        task = await loop.run_in_executor(None, call, url, token, "claim", body)
        step = {"epoch": task["epoch"], "text": "half done"}
        await loop.run_in_executor(None, call, url, token, "events", step)
        end = {"epoch": task["epoch"], "status": "completed", "text": json.dumps(task["payload"]), "data": [1]}
        await loop.run_in_executor(None, call, url, token, "result", end)
        return "told already"
    return f"python did {title}"


class WorkerSettings:
    functions = [run_task]
    queue_name = QUEUE
    redis_settings = RedisSettings.from_dsn(os.environ["REDIS_URL"])
    poll_delay = 0.05
    job_timeout = int(os.environ.get("JOB_TIMEOUT", "2"))
    keep_result = float(os.environ.get("KEEP_RESULT", "3600"))
    allow_abort_jobs = True
    health_check_interval = 5
    health_check_key = f"{QUEUE}:health-check:{os.getpid()}"
    max_jobs = int(os.environ.get("MAX_JOBS", "4"))
