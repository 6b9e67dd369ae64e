// For the image's HEALTHCHECK, which has neither a shell nor curl: exits 0 when
// the web process of this container answers GET /health with 200, else 1.
import process from "node:process";

const url = `http://127.0.0.1:${process.env.PORT || 8000}/health`;
try {
  const answer = await fetch(url, { signal: AbortSignal.timeout(3_000) });
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`it answered ${answer.status}`);
} catch (error) {
  console.error(`${url} is not healthy: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
