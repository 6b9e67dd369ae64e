// Keeps the page as things are now. Without this file everything works, only not by itself.

import { keepUp } from "./stream.js";
import { tellAges } from "./times.js";

const $ = (id) => document.getElementById(id);
const { watch } = document.body.dataset;
const title = document.title.replace(/^\(\d+\+?\) /, "");
const pointer = matchMedia("(hover: hover)");
/** Elements that wait until the focus or the selection has left their place, by id. */
const waiting = new Map();
/** New rows that wait until nobody reads their list, by the list's id. */
const held = new Map();
/** What came while the page is paused, by id; undefined while it is not. */
let paused;
const MOST_PAUSED = 500;
const parse = (text) => new DOMParser().parseFromString(text, "text/html");

/**
 * What the stream has told, HTML of our own server: each element at the top goes where its id is. It
 * is parsed apart from the page: nothing in it can run.
 */
function take(text) {
  const fragments = [...parse(text).body.children];
  const touched = fragments.some(({ id }) => watch === "any" ? /^[mn]-/.test(id) : id === watch);
  if (paused) paused.touched ||= touched;
  else if (watch && touched) refreshSoon();
  // How many need somebody is told all the same: it moves nothing.
  const isKept = ({ id }) => paused && id !== "needs-count";
  for (const fresh of fragments.filter(isKept)) {
    paused.set(fresh.id, paused.size < MOST_PAUSED || paused.has(fresh.id) ? fresh : undefined);
  }
  placeAll(fragments.filter((fresh) => !isKept(fresh)));
  if (paused) tellWaiting();
}

/** Stops all that moves by itself, or lets in what came meanwhile. */
function pause() {
  const button = $("pause");
  const before = paused;
  paused = before ? undefined : new Map();
  button.setAttribute("aria-pressed", String(!before));
  button.title = before ? "Pause this page" : "Let this page go on";
  say(before ? "live" : "paused");
  tellWaiting();
  if (!before) return;
  if (before.size > MOST_PAUSED) return location.reload();
  if (watch && before.touched) refreshSoon();
  placeAll([...before.values()]);
}

/** How many messages came or have changed since the page was paused. */
function tellWaiting() {
  const many = [...paused?.keys() ?? []].filter((id) => id.startsWith("m-")).length;
  $("waiting").textContent = many > 0 ? `${many.toLocaleString("en")} wait` : "";
}

function say(word) {
  const place = $("word");
  if (place.textContent === word) return;
  place.textContent = word;
  place.dataset.word = word;
}

/** Reads this page anew and takes over the parts that have changed; rows are not our table's. */
async function refresh(force = false) {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } }).catch(() => {});
  if (!answer?.ok || answer.redirected) return;
  for (const fresh of parse(await answer.text()).querySelectorAll("[data-part]")) {
    if ("list" in fresh.dataset) merge($(fresh.id), fresh, force);
    else if ($(fresh.id)) place(document.adoptNode(fresh));
  }
}

let refreshing;
function refreshSoon() {
  refreshing ??= setTimeout(() => refresh().finally(() => refreshing = undefined), 400);
}

/** Takes a list's rows over: those of before stay the same elements, new ones wait while it is read. */
function merge(list, fresh, force) {
  const rows = [...fresh.children].map((row) => document.adoptNode(row));
  const news = rows.filter((row) => !$(row.id));
  for (const row of rows) if (!news.includes(row)) place(row);
  // One that came up from the next page is not new, and of a whole page there may be more.
  const newest = list.firstElementChild?.id ?? "";
  const many = news.filter(({ id }) => id > newest).length;
  if (!force && reading(list)) return pill(list, many, many > 0 && many === rows.length);
  if (news.length === 0 && rows.length === list.children.length) return;
  for (const row of list.children) row.classList.remove("new");
  for (const row of news) if (news.length <= MOST_MOVING) row.classList.add("new");
  list.replaceChildren(...rows.map((row) => $(row.id) ?? row));
  pill(list, 0);
}

/** More that move at once only flicker. */
const MOST_MOVING = 5;
const MOVING_MS = 1_000;
/** When the last ones began to move. */
let moving = [];
let isCalm = false;

/** Whether one more may move now. */
function mayMove() {
  const now = performance.now();
  moving = moving.filter((at) => at > now - MOVING_MS);
  if (isCalm || moving.length >= MOST_MOVING) return false;
  moving.push(now);
  return true;
}

/** What is to be placed still, in order. */
const toPlace = [];
/** So long it is worked on in one frame: the page is drawn in between. */
const PLACE_MS = 30;

/** Places what came together, newest first, so that what a list has no room for is never drawn. */
function placeAll(fragments) {
  const isBusy = toPlace.length > 0;
  const byId = (one, other) => one.id < other.id ? 1 : -1;
  toPlace.push(...fragments.toSorted(byId));
  if (!isBusy) placeSome();
}

function placeSome() {
  const until = performance.now() + PLACE_MS;
  isCalm ||= toPlace.filter(({ dataset }) => dataset.into).length > MOST_MOVING;
  readings = new Map();
  // It stays in line until it is in place: what comes meanwhile comes behind it.
  while (toPlace.length > 0 && performance.now() < until) {
    place(document.adoptNode(toPlace[0]));
    toPlace.shift();
  }
  readings = undefined;
  if (toPlace.length > 0) return setTimeout(placeSome);
  isCalm = false;
  count();
}

function place(fresh) {
  const old = $(fresh.id);
  if (!old && !fresh.dataset.into) return;
  // The server says that there is no room for it: it is only counted.
  if ("beyond" in fresh.dataset) return old ? undefined : insert(fresh);
  waiting.delete(fresh.id);
  held.get(fresh.dataset.into)?.rows.delete(fresh.id);
  // The same message on another kind of page: that page reads itself anew.
  if (old && old.tagName !== fresh.tagName && !("gone" in fresh.dataset)) return;
  const busy = old && (old.contains(document.activeElement) || isSelected(old));
  if ("gone" in fresh.dataset) {
    if (old?.contains(document.activeElement)) focusAfter(old);
    old?.remove();
    for (const { ids, rows } of held.values()) {
      ids.delete(fresh.id);
      rows.delete(fresh.id);
    }
  } else if (busy) {
    waiting.set(fresh.id, fresh);
  } else if (old) {
    keepLooks(old, fresh);
    tellAges(old);
    tellAges(fresh);
    if (!old.isEqualNode(fresh)) old.replaceWith(fresh);
  } else {
    insert(fresh);
  }
}

/** Lists are newest first, and ids sort by time. */
function insert(fresh, force = false) {
  const list = $(fresh.dataset.into);
  if (!list) return;
  const most = Number(list.dataset.most);
  // An old one that has changed, and is not on this page any more.
  if (list.children.length >= most && fresh.id < list.lastElementChild.id) return;
  if (!force && "list" in list.dataset && reading(list)) {
    const { ids, rows } = held.get(list.id) ?? { ids: new Set(), rows: new Map() };
    if (!("beyond" in fresh.dataset)) rows.set(fresh.id, fresh);
    held.set(list.id, { ids: ids.add(fresh.id), rows });
    // All are counted, and as many kept as the list has room for.
    if (rows.size > most) rows.delete([...rows.keys()].sort()[0]);
    return pill(list, ids.size);
  }
  if ("beyond" in fresh.dataset) return;
  if (mayMove()) fresh.classList.add("new");
  list.insertBefore(fresh, [...list.children].find((each) => each.id < fresh.id) ?? null);
  while (list.children.length > most) list.lastElementChild.remove();
}

function isSelected(place) {
  const selection = getSelection();
  return selection?.type === "Range" && selection.containsNode(place, true);
}

/** A list must not move under a pointer, a focus, a selection, or somebody who has scrolled. */
function reading(list) {
  let answer = readings?.get(list);
  if (answer === undefined) readings?.set(list, answer = isRead(list));
  return answer ?? isRead(list);
}

/** The answers of one batch: each costs a layout of the page. */
let readings;

function isRead(list) {
  if (list.children.length === 0) return false;
  return pointer.matches && list.matches(":hover") || list.contains(document.activeElement) ||
    isSelected(list) || list.getBoundingClientRect().top < 0;
}

function pill(list, many, isMore = false) {
  const button = document.querySelector(`[data-pill="${list.id}"]`);
  button.hidden = many === 0;
  button.textContent = `${many.toLocaleString("en")}${isMore ? "+" : ""} new`;
}

/** Lets in what waits for a list, when nobody reads it any more or somebody asks for it. */
function letIn(button, force) {
  const list = $(button.dataset.pill);
  if (button.hidden || !force && reading(list)) return;
  pill(list, 0);
  if (watch) return refresh(force);
  const fragments = [...held.get(list.id)?.rows.values() ?? []];
  held.delete(list.id);
  isCalm = fragments.length > MOST_MOVING;
  for (const fresh of fragments) insert(fresh, true);
  isCalm = false;
}

function settle() {
  const fragments = [...waiting.values()];
  waiting.clear();
  fragments.forEach(place);
  for (const button of document.querySelectorAll("[data-pill]")) letIn(button, false);
}

/** What was open stays open, and a dot that has changed may show it. */
function keepLooks(old, fresh) {
  const folds = new Map(
    [...old.querySelectorAll("details")].map((each) => [nameOf(each), each.open]),
  );
  for (const each of fresh.querySelectorAll("details")) {
    if (folds.has(nameOf(each))) each.open = folds.get(nameOf(each));
  }
  const before = old.querySelectorAll(".dot");
  const changed = [...fresh.querySelectorAll(".dot")].filter((dot, index) =>
    dot.className !== before[index]?.className.replace(" changed", "")
  );
  if (changed.length > 0 && mayMove()) { for (const dot of changed) dot.classList.add("changed"); }
}

const nameOf = (details) => details.id || details.querySelector("summary").textContent;

function focusAfter(old) {
  const next = old.nextElementSibling ?? old.previousElementSibling;
  (next?.querySelector("button, summary") ?? $("main")).focus();
}

/** How many need somebody: in the title and the tab's icon. */
function count() {
  const number = $("needs-count").dataset.count;
  document.title = number ? `(${number}) ${title}` : title;
  const icon = $("icon");
  const href = number ? icon.dataset.needs : icon.dataset.calm;
  if (icon.getAttribute("href") !== href) icon.setAttribute("href", href);
}

let ticked = Date.now();
setInterval(() => {
  // The computer slept: more may have happened than the stream still knows.
  if (Date.now() - ticked > 3_600_000) location.reload();
  ticked = Date.now();
  tellAges(document);
}, 2_000);

for (const event of ["focusout", "pointerout", "selectionchange"]) {
  document.addEventListener(event, () => setTimeout(settle, 100));
}
document.addEventListener("scrollend", settle);

$("pause").hidden = false;
$("pause").addEventListener("click", pause);

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-pill]");
  if (!button) return;
  letIn(button, true);
  scrollTo({ top: 0 });
});

tellAges(document);
keepUp({ take, say: (word) => say(word === "live" && paused ? "paused" : word) });
