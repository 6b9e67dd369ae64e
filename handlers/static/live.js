// Keeps the page as things are now. Without this file everything works, only not by itself.

const $ = (id) => document.getElementById(id);
const title = document.title.replace(/^\(\d+\+?\) /, "");
/** Elements that wait until the focus has left their place, by id. */
const waiting = new Map();

/** Server-sent events of our own server's HTML: each element at the top goes where its id is. */
function connect(url) {
  const stream = new EventSource(url);
  let cursor;
  stream.onopen = () => say("live");
  stream.addEventListener("reload", () => location.reload());
  stream.onmessage = ({ data, lastEventId }) => {
    cursor = lastEventId;
    // Parsed apart from the page: nothing in it can run, and the policy forbids it besides.
    const parsed = new DOMParser().parseFromString(data, "text/html");
    for (const fresh of [...parsed.body.children]) place(document.adoptNode(fresh));
    count();
  };
  stream.onerror = () => {
    say("reconnecting");
    // After a refusal (too many pages, signed out) browsers give up; we do not.
    if (stream.readyState !== EventSource.CLOSED) return;
    setTimeout(() => connect(cursor ? `/live?after=${cursor}` : url), 10_000);
  };
}

function say(word) {
  const place = $("word");
  if (place.textContent === word) return;
  place.textContent = word;
  place.dataset.word = word;
}

function place(fresh) {
  const old = $(fresh.id);
  waiting.delete(fresh.id);
  const focused = old?.contains(document.activeElement);
  if ("gone" in fresh.dataset) {
    if (focused) focusAfter(old);
    old?.remove();
  } else if (focused) {
    waiting.set(fresh.id, fresh);
  } else if (old) {
    keepLooks(old, fresh);
    old.replaceWith(fresh);
  } else {
    insert(fresh);
  }
}

/** Lists are newest first, and ids sort by time. */
function insert(fresh) {
  const list = $(fresh.dataset.into);
  if (!list) return;
  fresh.classList.add("new");
  list.insertBefore(fresh, [...list.children].find((each) => each.id < fresh.id) ?? null);
  while (list.children.length > Number(list.dataset.most)) list.lastElementChild.remove();
}

/** What was open stays open, and a dot that has changed may show it. */
function keepLooks(old, fresh) {
  const wasOpen = old.querySelector("details")?.open;
  if (wasOpen) fresh.querySelector("details").open = true;
  const before = old.querySelectorAll(".dot");
  fresh.querySelectorAll(".dot").forEach((dot, index) => {
    if (dot.className !== before[index]?.className.replace(" changed", "")) {
      dot.classList.add("changed");
    }
  });
}

function focusAfter(old) {
  const next = old.nextElementSibling ?? old.previousElementSibling;
  (next?.querySelector("button, summary") ?? $("unread")).focus();
}

function count() {
  const unread = document.querySelectorAll("[data-unread]");
  const number = unread.length < 100 ? unread.length : "100+";
  document.title = number ? `(${number}) ${title}` : title;
  $("unread-count").textContent = `${number} unread`;
  const newest = [...unread].map(({ id }) => id.slice(2)).sort().at(-1);
  const all = document.querySelector(".read-all");
  all.querySelector("[name=newest]").value = newest ?? "";
  // Its button goes when there is nothing left to read.
  if (!newest && all.contains(document.activeElement)) $("unread").focus();
}

/** The same words as in views/time.ts. */
function ago(time) {
  const seconds = Math.floor((Date.now() - new Date(time)) / 1000);
  if (seconds < 2) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} d ago`;
}

let ticked = Date.now();
setInterval(() => {
  // The computer slept: more may have happened than the stream still knows.
  if (Date.now() - ticked > 3_600_000) location.reload();
  ticked = Date.now();
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const text = ago(time.dateTime);
    if (time.textContent !== text) time.textContent = text;
  }
}, 2_000);

document.addEventListener("focusout", () =>
  setTimeout(() => {
    const fragments = [...waiting.values()];
    waiting.clear();
    fragments.forEach(place);
  }));

/** Forms whose outcome the stream shows are sent without leaving the page. */
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!("quiet" in form.dataset)) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form));
  const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" })
    .catch(() => undefined);
  // Not the way back to this page, so there is something to read.
  if (answer?.type !== "opaqueredirect") form.submit();
});

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText($(button.dataset.copy).textContent);
    button.textContent = "Copied";
    setTimeout(() => button.textContent = "Copy", 2_000);
  });
}

connect(document.body.dataset.live);
