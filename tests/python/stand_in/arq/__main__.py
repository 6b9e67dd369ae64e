"""`python -m arq worker.WorkerSettings`, as far as one worker of one queue goes."""

import asyncio
import importlib
import os
import pickle
import sys
import time

from arq.connections import Redis


def now_ms():
    return round(time.time() * 1000)


class Worker:
    def __init__(self, settings, redis):
        self.redis = redis
        self.functions = {each.__qualname__: each for each in settings.functions}
        self.queue = getattr(settings, "queue_name", "arq:queue")
        self.poll_delay = getattr(settings, "poll_delay", 0.5)
        self.timeout = getattr(settings, "job_timeout", 300)
        self.keep = getattr(settings, "keep_result", 3600)
        self.may_abort = getattr(settings, "allow_abort_jobs", False)
        self.most_tries = getattr(settings, "max_tries", 5)
        self.health = getattr(settings, "health_check_key", f"{self.queue}:health-check")
        self.load = getattr(settings, "job_deserializer", None) or pickle.loads
        self.running, self.aborting = {}, set()
        self.counts = {True: 0, False: 0}

    async def poll(self):
        ids = await self.redis.run("ZRANGEBYSCORE", self.queue, "-inf", now_ms(), "LIMIT", 0, 100)
        for each in ids:
            await self.claim(each.decode())
        if self.may_abort:
            for each in await self.redis.run("ZRANGE", "arq:abort", 0, -1):
                if (name := each.decode()) in self.running:
                    self.aborting.add(name)
                    self.running[name].cancel()
                    await self.redis.run("ZREM", "arq:abort", name)
        text = f"j_complete={self.counts[True]} j_failed={self.counts[False]} j_retried=0 j_ongoing={len(self.running)} queued=0"
        await self.redis.run("PSETEX", self.health, 31_000, time.strftime("%b-%d %H:%M:%S ") + text)

    async def claim(self, name):
        key = f"arq:in-progress:{name}"
        if name in self.running or not await self.redis.run("ZSCORE", self.queue, name):
            return
        lease = round((self.timeout + 10) * 1000)
        if await self.redis.together(("PSETEX", key, lease, "1"), watching=key):
            self.running[name] = asyncio.create_task(self.run(name))
            self.running[name].add_done_callback(lambda _: self.running.pop(name, None))

    async def run(self, name):
        data, tries, _, was_aborted = await self.redis.together(
            ("GET", f"arq:job:{name}"),
            ("INCRBY", f"arq:retry:{name}", 1),
            ("EXPIRE", f"arq:retry:{name}", 88_400),
            ("ZREM", "arq:abort", name),
        )
        job = self.load(data) if data else {"f": "<unknown>", "a": (), "k": {}, "et": 0}
        started = now_ms()
        success, value = False, None
        try:
            if data is None:
                raise RuntimeError("job expired")
            if was_aborted:
                raise asyncio.CancelledError
            if job["f"] not in self.functions:
                raise RuntimeError(f"function {job['f']!r} not found")
            if tries > self.most_tries:
                raise RuntimeError(f"max {self.most_tries} retries exceeded")
            ctx = {"job_id": name, "job_try": tries, "redis": self.redis}
            value = await asyncio.wait_for(self.functions[job["f"]](ctx, *job["a"], **job["k"]), self.timeout)
            success = True
        except asyncio.CancelledError as error:
            if not was_aborted and name not in self.aborting:
                raise
            value = error
        except Exception as error:
            value = error
        result = {
            "t": tries, "f": job["f"], "a": job["a"], "k": job["k"], "et": job["et"], "s": success, "r": value,
            "st": started, "ft": now_ms(), "q": self.queue, "id": name,
        }
        self.counts[success] += 1
        await self.redis.together(
            ("SET", f"arq:result:{name}", pickle.dumps(result, 4), "PX", round(self.keep * 1000)),
            ("ZREM", "arq:abort", name),
            ("ZREM", self.queue, name),
            ("DEL", f"arq:in-progress:{name}", f"arq:retry:{name}", f"arq:job:{name}"),
        )


async def main(path):
    sys.path.insert(0, os.getcwd())
    module, name = path.rsplit(".", 1)
    settings = getattr(importlib.import_module(module), name)
    worker = Worker(settings, await Redis.connect(settings.redis_settings))
    while True:
        await worker.poll()
        await asyncio.sleep(worker.poll_delay)


asyncio.run(main(sys.argv[1]))
