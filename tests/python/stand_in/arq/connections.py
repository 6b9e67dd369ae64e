"""Where Redis is, and the least of a client for it."""

import asyncio
from urllib.parse import urlparse


class RedisSettings:
    def __init__(self, host, port, password, database):
        self.host, self.port, self.password, self.database = host, port, password, database

    @classmethod
    def from_dsn(cls, dsn):
        url = urlparse(dsn)
        if url.scheme != "redis":
            raise RuntimeError("invalid DSN scheme")
        return cls(url.hostname or "localhost", url.port or 6379, url.password, url.path.strip("/") or "0")


class Redis:
    """One connection, one command at a time."""

    @classmethod
    async def connect(cls, settings):
        redis = cls()
        redis.lock = asyncio.Lock()
        redis.reader, redis.writer = await asyncio.open_connection(settings.host, settings.port)
        if settings.password:
            await redis.run("AUTH", settings.password)
        await redis.run("SELECT", settings.database)
        return redis

    async def run(self, *command):
        async with self.lock:
            return await self.ask(command)

    async def together(self, *commands, watching=None):
        """A transaction; with `watching`, as long as that key is not there. None when it is."""
        async with self.lock:
            if watching is not None:
                await self.ask(("WATCH", watching))
                if await self.ask(("EXISTS", watching)):
                    await self.ask(("UNWATCH",))
                    return None
            await self.ask(("MULTI",))
            for command in commands:
                await self.ask(command)
            return await self.ask(("EXEC",))

    async def ask(self, command):
        parts = [each if isinstance(each, bytes) else str(each).encode() for each in command]
        self.writer.write(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
        await self.writer.drain()
        return await self.read()

    async def read(self):
        line = (await self.reader.readuntil(b"\r\n"))[:-2]
        kind, rest = line[:1], line[1:]
        if kind == b"-":
            raise RuntimeError(rest.decode())
        if kind == b"+":
            return rest
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else (await self.reader.readexactly(int(rest) + 2))[:-2]
        return None if rest == b"-1" else [await self.read() for _ in range(int(rest))]
