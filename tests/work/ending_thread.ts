import { exit } from "node:process";
import { parentPort } from "node:worker_threads";

/** A thread that ends as soon as it is given a body. */
parentPort!.on("message", () => exit(1));
parentPort!.postMessage({ is: "ready" });
